using System.CommandLine;
using MlxGateway.Commands.Connecting;
using MlxGateway.Commands.Terminals;
using MlxGateway.Supervision.Processes;

namespace MlxGateway.Commands.Installing;

/// <summary><c>service</c>: the gateway is started at login, and again when it fell.</summary>
internal static class ServiceVerb
{
    private static readonly Option<bool> DryRun = new("--dry-run") { Description = "Says what would be written and run, and does nothing" };

    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools) => tools.Plain(
        "service",
        "Lets launchd (macOS) or systemd (Linux) start the gateway at login",
        (_, _) => Task.FromResult(tools.Fail(Exits.Usage, "Say what: service install, service status or service uninstall.")),
        tools.Plain("install", "Writes the service's file for this user, and starts it", async (parse, cancellationToken) => await InstallAsync(tools, await PlanAsync(tools, parse, cancellationToken), parse.GetValue(DryRun), cancellationToken), CallOptions.Config, CallOptions.Port, DryRun),
        tools.Plain("uninstall", "Stops the service, and deletes its file", async (parse, cancellationToken) => await UninstallAsync(tools, await PlanAsync(tools, parse, cancellationToken), parse.GetValue(DryRun), cancellationToken), DryRun),
        tools.Plain("status", "Says whether the service is there and runs", async (parse, cancellationToken) => await StatusAsync(tools, await PlanAsync(tools, parse, cancellationToken), cancellationToken)));

    private static async Task<ServicePlan> PlanAsync(Tools tools, ParseResult parse, CancellationToken cancellationToken)
    {
        var home = tools.Variable("HOME") is { Length: > 0 } set ? set : throw new CommandFailure(Exits.Usage, "HOME is not set, so that it is not known where services of this user belong.");
        var (program, before) = ThisProgram.Words();
        string[] config = parse.CommandResult.Command.Options.Contains(CallOptions.Config) && parse.GetValue(CallOptions.Config) is { } file ? ["--config", Existing(file)] : [];
        string[] port = parse.CommandResult.Command.Options.Contains(CallOptions.Port) && parse.GetValue(CallOptions.Port) is { } number ? ["--port", number] : [];
        IReadOnlyList<string> command = [program, .. before, "serve", .. config, .. port];
        if (OperatingSystem.IsMacOS())
        {
            var (_, user) = await ShortProgram.RunAsync(["/usr/bin/id", "-u"], tools.Time, cancellationToken);
            return Launchd.Plan(home, user, command);
        }

        return Systemd.Plan(tools.Variable("XDG_CONFIG_HOME") is { Length: > 0 } folder && Path.IsPathRooted(folder) ? folder : Path.Combine(home, ".config"), command);
    }

    // The service starts in another folder than this one.
    private static string Existing(string file) =>
        File.Exists(file) ? Path.GetFullPath(file) : throw new CommandFailure(Exits.Configuration, $"The file {Path.GetFullPath(file)} does not exist.");

    private static async Task<int> InstallAsync(Tools tools, ServicePlan plan, bool isDry, CancellationToken cancellationToken)
    {
        var o = tools.Terminal.Out;
        if (isDry)
        {
            o.WriteLine($"Would write {plan.Path}:");
            o.WriteLine(plan.Text);
        }
        else
        {
            try
            {
                Directory.CreateDirectory(Path.GetDirectoryName(plan.Path)!);
                await File.WriteAllTextAsync(plan.Path, plan.Text, cancellationToken);
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                return tools.Fail(Exits.Refused, $"{plan.Path} could not be written: {refused.Message}");
            }

            o.WriteLine($"Wrote {plan.Path}.");
        }

        var code = await RunAllAsync(tools, plan.Install, isDry, mayFail: false, cancellationToken);
        if (plan.Hint is { } hint && code == Exits.Done)
        {
            HelpPage.Hang(tools.Terminal, "", hint);
        }

        return code;
    }

    private static async Task<int> UninstallAsync(Tools tools, ServicePlan plan, bool isDry, CancellationToken cancellationToken)
    {
        if (!File.Exists(plan.Path))
        {
            tools.Terminal.Out.WriteLine($"There is no service: {plan.Path} does not exist.");
            return Exits.Done;
        }

        await RunAllAsync(tools, plan.Uninstall, isDry, mayFail: true, cancellationToken);
        if (!isDry)
        {
            File.Delete(plan.Path);
        }

        tools.Terminal.Out.WriteLine(isDry ? $"Would delete {plan.Path}." : $"Deleted {plan.Path}.");
        return await RunAllAsync(tools, plan.Forget, isDry, mayFail: true, cancellationToken);
    }

    private static async Task<int> StatusAsync(Tools tools, ServicePlan plan, CancellationToken cancellationToken)
    {
        if (!File.Exists(plan.Path))
        {
            return tools.Fail(Exits.Refused, $"There is no service: {plan.Path} does not exist. MlxGateway service install makes one.");
        }

        var (code, output) = await ShortProgram.RunAsync(plan.Status, tools.Time, cancellationToken);
        tools.Terminal.Out.WriteLine(Terminal.Clean(output));
        return code == 0 ? Exits.Done : Exits.Refused;
    }

    private static async Task<int> RunAllAsync(Tools tools, IReadOnlyList<IReadOnlyList<string>> commands, bool isDry, bool mayFail, CancellationToken cancellationToken)
    {
        for (var i = 0; i < commands.Count; i++)
        {
            var command = commands[i];
            var shown = Shown(command);
            if (isDry)
            {
                tools.Terminal.Out.WriteLine($"Would run {shown}");
                continue;
            }

            var (code, output) = await ShortProgram.RunAsync(command, tools.Time, cancellationToken);
            tools.Terminal.Out.WriteLine($"Ran {shown}{(code == 0 ? "" : code is null ? "" : $", which ended with exit code {code}")}");
            if (output.Length > 0)
            {
                tools.Terminal.Out.WriteLine(Terminal.Clean(output));
            }

            if (code != 0 && !mayFail)
            {
                return tools.Fail(Exits.Refused, $"The file is written, but it could not be put to work. Run it yourself once the cause is mended: {string.Join(" && ", commands.Skip(i).Select(Shown))}");
            }
        }

        return Exits.Done;
    }

    private static string Shown(IReadOnlyList<string> command) => string.Join(' ', command.Select(Shell.Word));
}
