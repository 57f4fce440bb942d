using System.Diagnostics;
using MlxGateway.Commands;
using MlxGateway.Commands.Terminals;
using MlxGateway.Hosting;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;

namespace MlxGateway.Tests.Commands;

/// <summary>What a command wrote, and how it ended.</summary>
/// <param name="ExitCode">What a script is told.</param>
/// <param name="Out">Its standard output.</param>
/// <param name="Error">Its standard error.</param>
public sealed record Told(int ExitCode, string Out, string Error);

/// <summary>Runs commands: in this process, which is quick, or as people do.</summary>
internal static class Cli
{
    /// <summary>The program.</summary>
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "MlxGateway");

    /// <summary>In this process.</summary>
    public static Task<Told> RunAsync(params string[] args) => RunAsync(args, new Place());

    /// <summary>In this process, before a terminal of this kind.</summary>
    public static async Task<Told> RunAsync(string[] args, Place place, House? house = null)
    {
        var (terminal, output, error) = place.Make();
        var code = await CommandLine.RunAsync(args, new Tools(house ?? NoHouse, terminal, place.Time, name => place.Variables.GetValueOrDefault(name)));
        return new Told(code, output.ToString(), error.ToString());
    }

    /// <summary>As a process of its own, with these variables on top of few.</summary>
    public static async Task<Told> ProcessAsync(string[] args, IReadOnlyDictionary<string, string>? variables = null, string? input = null, string? program = null)
    {
        var folder = Directory.CreateTempSubdirectory("mlxgateway-cli-");
        try
        {
            using var process = Start(args, folder.FullName, variables, program);
            if (input is not null)
            {
                await process.StandardInput.WriteAsync(input);
            }

            process.StandardInput.Close();
            var (output, error) = (process.StandardOutput.ReadToEndAsync(Demo.Patience()), process.StandardError.ReadToEndAsync(Demo.Patience()));
            await process.WaitForExitAsync(Demo.Patience());
            return new Told(process.ExitCode, await output, await error);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Starts a process of its own, which hears Ctrl+C.</summary>
    public static Process Start(string[] args, string folder, IReadOnlyDictionary<string, string>? variables = null, string? program = null)
    {
        var start = new ProcessStartInfo(program ?? Program, args) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        start.Environment["XDG_STATE_HOME"] = folder;
        start.Environment["HOME"] = folder;
        start.Environment.Remove("MLXGATEWAY_URL");
        start.Environment.Remove("NO_COLOR");
        foreach (var (name, value) in variables ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var process = new Process { StartInfo = start };
        InterruptSignal.Heard(() => process.Start());
        return process;
    }

    /// <summary>A house whose rooms nobody should enter.</summary>
    public static House NoHouse { get; } = new()
    {
        Serve = static _ => throw new InvalidOperationException("It was not to serve."),
        Place = ConfiguredGateway.Place,
        Configuration = static _ => throw new InvalidOperationException("It was not to read all of the configuration."),
    };
}

/// <summary>A terminal, or none.</summary>
internal sealed record Place
{
    /// <summary>How wide it is; null: there is no terminal.</summary>
    public int? Width { get; init; }

    /// <summary>Whether it shows colours.</summary>
    public bool HasColour { get; init; }

    /// <summary>What is typed; null: nothing is, and nobody is there to do so.</summary>
    public string? Typed { get; init; }

    /// <summary>What is piped in.</summary>
    public string Piped { get; init; } = "";

    /// <summary>The environment.</summary>
    public Dictionary<string, string> Variables { get; init; } = [];

    /// <summary>What hears its standard output; null: a writer of its own.</summary>
    public StringWriter? Output { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Makes it.</summary>
    public (Terminal Terminal, StringWriter Out, StringWriter Error) Make()
    {
        var (output, error) = (Output ?? new StringWriter(), new StringWriter());
        var terminal = new Terminal
        {
            Out = output,
            Error = error,
            In = new StringReader(Typed ?? Piped),
            IsTerminal = Width is not null,
            IsErrorTerminal = Width is not null,
            IsInputTerminal = Typed is not null,
            HasColour = HasColour,
            Width = Width,
        };
        return (terminal, output, error);
    }
}
