using Microsoft.AspNetCore.Http;
using MlxGateway.Commands;
using MlxGateway.Supervision.Tests;
using MlxGateway.Tests.DemoRunner;
using Xunit;

namespace MlxGateway.Tests.Commands;

/// <summary>What a command line asks for.</summary>
public sealed class CommandLineTests
{
    public static TheoryData<string[], string[]> Serving => new()
    {
        { [], [] },
        { ["--port", "0"], ["--port", "0"] },
        { ["--config", "f.json", "--model", "qwen"], ["--config", "f.json", "--model", "qwen"] },
        { ["--MlxGateway:Residency:MaxResident=0"], ["--MlxGateway:Residency:MaxResident=0"] },
        { ["--prot", "1"], ["--prot", "1"] }, // a mistake, which is the configuration's to name
        { ["-port", "5"], ["-port", "5"] },
        { ["serve"], [] },
        { ["serve", "--port", "0"], ["--port", "0"] },
    };

    public static TheoryData<string> Words => [.. Verbs.All.Select(v => v.Name)];

    [Theory]
    [MemberData(nameof(Serving))]
    public async Task Line_WithoutAVerb_ServesWithEverySwitchAsItIs(string[] args, string[] switches)
    {
        string[]? served = null;
        var house = Cli.NoHouse with
        {
            Serve = given =>
            {
                served = given;
                return Task.FromResult(42);
            },
        };

        Assert.Equal(42, await CommandLine.RunAsync(args, house));
        Assert.Equal(switches, served);
    }

    [Theory]
    [InlineData("pss", "did you mean ps?")]
    [InlineData("modles", "did you mean models?")]
    [InlineData("frobnicate", "MlxGateway --help lists them")]
    [InlineData("key=value", "is not a command")]
    public async Task Line_WithAWordThatIsNoVerb_ServesNothingAndSaysSo(string word, string said)
    {
        var told = await Cli.RunAsync(word);

        Assert.Equal(64, told.ExitCode);
        Assert.Contains(said, told.Error, StringComparison.Ordinal);
        Assert.Empty(told.Out);
    }

    [Theory]
    [InlineData("load")]
    [InlineData("load", "a", "b")]
    [InlineData("ps", "--jsno")]
    [InlineData("completion", "tcsh")]
    [InlineData("logs", "-n", "many")]
    [InlineData("unload", "--url", "http://127.0.0.1:1")]
    [InlineData("ps", "--url", "http://")]
    [InlineData("run", "x", "--json", "--url", "http://127.0.0.1:1")]
    [InlineData("config")]
    [InlineData("service")]
    [InlineData("connect", "emacs", "--url", "http://127.0.0.1:1")]
    [InlineData("pull", "--cancel", "--url", "http://127.0.0.1:1")]
    [InlineData("unload", "")]
    [InlineData("unload", ".")]
    [InlineData("show", "../../x")]
    [InlineData("run", " ", "Hello")]
    [InlineData("cancel", "")]
    [InlineData("connect", "codex", "--model", "")]
    [InlineData("connect", "codex", "--context", "0")]
    [InlineData("connect", "codex", "--json", "--write")]
    [InlineData("logs", "-n", "0")]
    [InlineData("search", "x", "--limit", "many")]
    [InlineData("ps", "--port", "abc")]
    [InlineData("ps", "--port", "70000")]
    [InlineData("help", "nope")]
    [InlineData("nope", "--help")]
    public async Task Line_ThatMakesNoSense_Is64WithASentence(params string[] args)
    {
        var told = await Cli.RunAsync(args);

        Assert.Equal(64, told.ExitCode);
        Assert.NotEmpty(told.Error);
        Assert.Empty(told.Out);
        Assert.DoesNotContain("Exception", told.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", told.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("completion bash")]
    public async Task Output_ThatCannotBeWritten_IsSaidInASentence(string line)
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "There is no device here that is full.");
        var told = await Cli.ProcessAsync(["-c", $"'{Cli.Program}' {line} > /dev/full"], program: "/bin/sh");

        Assert.Equal(1, told.ExitCode);
        Assert.Equal("What there is to say could not be written: No space left on device\n", told.Error);
    }

    [Fact]
    public async Task Output_ThatNobodyReadsAnyMore_EndsWhatFollowsALog()
    {
        await using var gateway = await Stranger.StartAsync(async (context, _) =>
        {
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.WriteAsync("data: {\"line\":\"and on\"}\n\n");
                await context.Response.Body.FlushAsync();
            }
        });
        var folder = Directory.CreateTempSubdirectory("mlxgateway-cli-");
        using var process = Cli.Start(["logs", "-f", "--url", gateway.Address], folder.FullName);
        Assert.Equal("and on", await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));

        process.StandardOutput.Close(); // as head does
        await process.WaitForExitAsync(Demo.Patience());

        Assert.Equal((0, ""), (process.ExitCode, await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken)));
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Help_IsAPageThatFitsATerminal()
    {
        var told = await Cli.RunAsync(["--help"], new Place { Width = 80 });

        Assert.Equal(0, told.ExitCode);
        Golden.Equal("help-80", told.Out);
        Assert.All(told.Out.Split('\n'), line => Assert.InRange(line.Length, 0, 80));
    }

    [Theory]
    [MemberData(nameof(Words))]
    public async Task Help_OfEveryVerb_SaysHowItIsWrittenAndGivesAnExample(string verb)
    {
        var told = await Cli.RunAsync(verb, "--help");
        var same = await Cli.RunAsync("help", verb);

        Assert.Equal(0, told.ExitCode);
        Assert.Equal(told, same);
        Assert.StartsWith($"MlxGateway {verb}", told.Out, StringComparison.Ordinal);
        Assert.Contains("Examples", told.Out, StringComparison.Ordinal);
        Assert.All(told.Out.Split('\n').Where(l => l.TrimStart().StartsWith("--", StringComparison.Ordinal)), l => Assert.Matches(@"--\S+.*  \S", l)); // none without a word
    }

    [Fact]
    public async Task Version_IsOneWord()
    {
        var told = await Cli.RunAsync("--version");

        Assert.Equal(0, told.ExitCode);
        Assert.Matches(@"^\d+\.\d+\.\d+\S*\n$", told.Out);
    }

    [Theory]
    [InlineData("", "ps")]
    [InlineData("lo", "load")]
    [InlineData("config re", "reload")]
    [InlineData("logs --fo", "--follow")]
    [InlineData("connect clau", "claude-code")]
    [InlineData("completion z", "zsh")]
    public async Task Shell_ThatAsks_IsToldWhatMayComeNext(string begun, string offered)
    {
        var told = await Cli.RunAsync(["complete", .. begun.Split(' ')]);

        Assert.Equal(0, told.ExitCode);
        Assert.Contains(offered, told.Out.Split('\n'));
        Assert.All(told.Out.Split('\n'), line => Assert.StartsWith(line.Length == 0 ? "" : begun.Split(' ')[^1], line, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task Completion_OfEachShell_AsksTheProgram(string shell)
    {
        var told = await Cli.RunAsync("completion", shell);

        Assert.Equal(0, told.ExitCode);
        Assert.Contains("MlxGateway complete ", told.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Completion_OfBash_CompletesInARealBash()
    {
        var script = (await Cli.RunAsync("completion", "bash")).Out;
        var told = await Cli.ProcessAsync(
            ["-c", script + "\nCOMP_WORDS=(MlxGateway conn); COMP_CWORD=1; _mlxgateway; printf '%s\\n' \"${COMPREPLY[@]}\""],
            new Dictionary<string, string> { ["PATH"] = $"{AppContext.BaseDirectory}:{Environment.GetEnvironmentVariable("PATH")}" },
            program: "/bin/bash");

        Assert.Equal("connect\n", told.Out);
    }

    [Fact]
    public async Task Completion_OfBash_CompletesAnIdWithAColonBehindIt()
    {
        await using var gateway = await Stranger.AnswerAsync("""{"data":[{"id":"gemma3:4b","aliases":["gemma3:12b"]},{"id":"other"}]}""", "application/json");
        var script = (await Cli.RunAsync("completion", "bash")).Out;
        var told = await Cli.ProcessAsync(
            ["-c", script + "\nCOMP_LINE='MlxGateway connect codex --model gemma3:4'; COMP_POINT=${#COMP_LINE}; COMP_WORDS=(MlxGateway connect codex --model gemma3 : 4); COMP_CWORD=6; _mlxgateway; printf '%s\\n' \"${COMPREPLY[@]}\""],
            new Dictionary<string, string> { ["PATH"] = $"{AppContext.BaseDirectory}:{Environment.GetEnvironmentVariable("PATH")}", ["MLXGATEWAY_URL"] = gateway.Address },
            program: "/bin/bash");

        Assert.Equal("4b\n", told.Out);
    }

    [Fact]
    public async Task Mcp_IsToldWhereTheGatewayIsAndTheKey()
    {
        (Uri, string?)? asked = null;
        var house = Cli.NoHouse with
        {
            Mcp = (address, key, _, _) =>
            {
                asked = (address, key);
                return Task.FromResult(7);
            },
        };

        var told = await Cli.RunAsync(["mcp", "--url", "http://mac.local:9", "--key", "sk"], new Place(), house);

        Assert.Equal(new Told(7, "", ""), told);
        Assert.Equal((new Uri("http://mac.local:9"), "sk"), asked);
    }
}
