using MlxGateway.Commands;
using MlxGateway.Supervision.Tests;
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
    public async Task Line_ThatMakesNoSense_Is64WithASentence(params string[] args)
    {
        var told = await Cli.RunAsync(args);

        Assert.Equal(64, told.ExitCode);
        Assert.NotEmpty(told.Error);
        Assert.Empty(told.Out);
        Assert.DoesNotContain("Exception", told.Error, StringComparison.Ordinal);
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
