using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Commands;

/// <summary>Every verb that talks to a gateway, with a real one and its demonstration runners.</summary>
public sealed class GatewayVerbTests(DemoGateway shared) : IClassFixture<DemoGateway>
{
    private Gateway Gateway => shared.Gateway;

    private string[] Here => ["--url", Gateway.Address.ToString()];

    [Fact]
    public async Task Load_Ps_Show_Explain_Unload_FollowAModelThroughItsLife()
    {
        Assert.Equal("victim is ready", (await RunAsync("load", "victim")).Out[.."victim is ready".Length]);

        await Gateway.UntilRunningAsync(static r => r.Any(static m => m is { Model: "victim", State: "ready", Leases: 0, Waiting: 0 })); // the lease of the load comes back a moment after its answer
        var ps = await RunAsync("ps");
        Assert.Matches(@"(?m)^victim +ready +\S+ \S+ +100\.00 MB +0 +0 +demo +\d+ +\d+$", ps.Out);

        var show = await RunAsync("show", "victim");
        Assert.Matches(@"(?m)^  State +loaded$", show.Out);
        Assert.Contains("100.00 MB: as configured", show.Out, StringComparison.Ordinal);

        var explain = await RunAsync("explain", "victim");
        Assert.Matches(@"(?m) victim +launched +- +a person waits for it; counted with 100\.00 MB \(as configured\)$", explain.Out);
        Assert.DoesNotContain("steady", explain.Out, StringComparison.Ordinal);

        Assert.Equal(new Told(0, "victim: not in memory any more.\n", ""), await RunAsync("unload", "victim"));
        Assert.DoesNotMatch("(?m)^victim", (await RunAsync("ps")).Out);
    }

    [Fact]
    public async Task Models_OfAllKinds_AreListedWithWhatTheyAre()
    {
        var told = await RunAsync("models");

        Assert.Equal(0, told.ExitCode);
        Assert.Matches(@"(?m)^huge +unloaded +never ", told.Out);
        Assert.Matches(@"(?m)^absent +missing +- ", told.Out);
        Assert.Matches(@"(?m)^steady .* gpt-4o-mini$", told.Out);
    }

    [Theory]
    [InlineData("ps", "/running")]
    [InlineData("requests", "/api/requests")]
    [InlineData("config show", "/api/config")]
    [InlineData("show huge", "/v1/models/huge")]
    public async Task Json_IsTheGatewaysOwn(string line, string path)
    {
        var told = await RunAsync([.. line.Split(' '), "--json"]);

        Assert.Equal(0, told.ExitCode);
        Assert.Equal(Keys((await Gateway.GetAsync(path)).Json), Keys(JsonDocument.Parse(told.Out).RootElement));
    }

    [Fact]
    public async Task Run_WithAPrompt_WritesTheAnswerAndNothingElse()
    {
        var told = await RunAsync("run", "gpt-4o-mini", "Hello", "there");

        Assert.Equal(new Told(0, "Hello from steady. This is a demonstration, not a language model: it says the same whatever it is asked.\n", ""), told);
    }

    [Fact]
    public async Task Run_WithJson_IsAWholeAnswer()
    {
        var told = await RunAsync("run", "steady", "Hello", "--json");

        Assert.Equal("chat.completion", JsonDocument.Parse(told.Out).RootElement.GetProperty("object").GetString());
    }

    [Theory]
    [InlineData("not known here", "load", "nobody")]
    [InlineData("not known here", "unload", "nobody")]
    [InlineData("not known here", "show", "nobody")]
    [InlineData("not known here", "explain", "nobody")]
    [InlineData("not known here", "logs", "nobody")]
    [InlineData("not known here", "run", "nobody", "Hello")]
    [InlineData("not known here", "connect", "codex", "--model", "nobody")]
    [InlineData("at least 100000.00 GB", "load", "huge")]
    [InlineData("exit code 3", "load", "broken")]
    [InlineData("/nowhere/model.gguf", "load", "absent")]
    [InlineData("No request of this id", "cancel", "nix")]
    public async Task Refusal_IsTheGatewaysSentenceAndExitCode1(string said, params string[] args)
    {
        var told = await RunAsync(args);

        Assert.Equal(1, told.ExitCode);
        Assert.Empty(told.Out);
        Assert.Contains(said, told.Error, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("{", told.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", told.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_OfTheGatewayAndOfAModel_AreTheirLastLines()
    {
        await RunAsync("load", "mortal");
        await Gateway.UntilAsync(async () => (await RunAsync("logs", "-n", "500")).Out.Contains("Launching model mortal", StringComparison.Ordinal));

        var told = await RunAsync("logs", "-n", "1");
        Assert.Single(told.Out.TrimEnd().Split('\n'));
        Assert.Equal(0, (await RunAsync("logs", "mortal")).ExitCode);
    }

    [Fact]
    public async Task Requests_AndCancel_ShowAndEndOne()
    {
        using var client = await Gateway.OpenChatAsync("steady", "\"stream\":true,\"demo\":{\"endless\":true,\"token_delay\":0.05}");
        await client.ReadUntilAsync("data: {");
        string[] running = [];
        await Gateway.UntilAsync(async () => (running = [.. (await RunAsync("requests")).Out.Split('\n').Where(l => l.Contains(" running ", StringComparison.Ordinal))]).Length == 1); // those of other tests are over a moment after their answers
        var id = running[0].Split(' ')[0];

        Assert.Equal(new Told(0, $"{id} was called off.\n", ""), await RunAsync("cancel", id));
        await Gateway.UntilAsync(async () => !(await RunAsync("requests")).Out.Contains(id, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Ids_AreCompleted()
    {
        var told = await Cli.RunAsync(["complete", "show", "st"], new Place { Variables = { ["MLXGATEWAY_URL"] = Gateway.Address.ToString() } });

        Assert.Equal("steady\n", told.Out);
    }

    [Fact]
    public async Task Logs_ThatAreFollowed_ComeAsTheyAreWritten()
    {
        var folder = Directory.CreateTempSubdirectory("mlxgateway-cli-");
        await RunAsync("load", "keyed");
        using var process = Cli.Start(["logs", "-f", "-n", "1", .. Here], folder.FullName);
        try
        {
            var reader = process.StandardOutput;
            Assert.NotNull(await reader.ReadLineAsync(TestContext.Current.CancellationToken)); // it follows

            await RunAsync("unload", "keyed");

            string? line;
            do
            {
                line = await reader.ReadLineAsync(TestContext.Current.CancellationToken);
            }
            while (line is not null && !line.Contains("keyed", StringComparison.Ordinal));

            Assert.NotNull(line);
        }
        finally
        {
            process.Kill();
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Chat_OfSeveralTurns_RemembersWhatWasSaid()
    {
        var told = await Cli.RunAsync(["run", "steady", .. Here], new Place { Width = 80, Typed = "Hello\n\n/clear\nAgain\n/bye\nnever\n" });

        Assert.Equal(0, told.ExitCode);
        Assert.Equal(2, told.Out.Split("Hello from steady.").Length - 1);
    }

    private static string Keys(JsonElement json) => string.Join(',', json.EnumerateObject().Select(p => p.Name));

    private Task<Told> RunAsync(params string[] args) => Cli.RunAsync([.. args, .. Here]);
}
