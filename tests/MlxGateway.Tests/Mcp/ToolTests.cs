using System.Text.Json;
using MlxGateway.Tests.Support;
using ModelContextProtocol;
using Xunit;

namespace MlxGateway.Tests.Mcp;

/// <summary>The tools over HTTP, each driven by the official client against the real gateway.</summary>
public sealed class ToolTests(DemoGateway fixture) : IClassFixture<DemoGateway>
{
    private static readonly string[] Names =
    [
        "check_llm_status", "check_system_environment", "explain", "launch_llm_server", "list_models", "list_running_servers", "load_model", "restart_llm_server", "shutdown_llm_server", "unload_model",
    ];

    [Fact]
    public async Task Tools_AreThere_WithSchemasAndWhatTheyMayDo()
    {
        await using var agent = await Agent.OverHttpAsync(fixture.Gateway);
        var tools = (await agent.Client.ListToolsAsync(cancellationToken: TestContext.Current.CancellationToken)).ToDictionary(t => t.Name, t => t.ProtocolTool);

        Assert.Superset(Names.ToHashSet(), tools.Keys.ToHashSet());
        Assert.All(tools.Values, t =>
        {
            Assert.Equal("object", t.InputSchema.GetProperty("type").GetString());
            Assert.Equal("object", t.OutputSchema!.Value.GetProperty("type").GetString());
            Assert.NotNull(t.Annotations!.ReadOnlyHint);
            Assert.False(t.Annotations is { ReadOnlyHint: true, DestructiveHint: true });
            Assert.All(t.InputSchema.TryGetProperty("properties", out var all) ? all.EnumerateObject() : default, p => Assert.NotEmpty(p.Value.GetProperty("description").GetString()!));
        });
        var launch = tools["launch_llm_server"].InputSchema;
        Assert.Equal(["model_name", "port"], launch.GetProperty("required").EnumerateArray().Select(r => r.GetString()!));
        Assert.Equal("integer", launch.GetProperty("properties").GetProperty("port").GetProperty("type").GetString());
        Assert.Equal(4.0, launch.GetProperty("properties").GetProperty("memory_requirement_gb").GetProperty("default").GetDouble());
        Assert.Equal("string", tools["restart_llm_server"].InputSchema.GetProperty("properties").GetProperty("model_name").GetProperty("type").GetString());
        Assert.True(tools["shutdown_llm_server"].Annotations!.DestructiveHint);
        Assert.True(tools["explain"].Annotations!.ReadOnlyHint);
        Assert.False(tools["load_model"].Annotations!.ReadOnlyHint);
    }

    [Fact]
    public async Task Environment_IsDescribedWithWhatIsLacking()
    {
        await using var agent = await Agent.OverHttpAsync(fixture.Gateway);
        var report = await agent.AskAsync("check_system_environment");

        Assert.True(report.GetProperty("memory").GetProperty("ceiling_bytes").GetInt64() > 0);
        Assert.Contains(report.GetProperty("engines").EnumerateArray(), e => e.GetProperty("name").GetString() == "mlx_lm" && !e.GetProperty("is_found").GetBoolean() && e.GetProperty("install").GetString()!.Length > 0);
        Assert.False(report.GetProperty("is_ready").GetBoolean());
        Assert.NotEmpty(report.GetProperty("problems").EnumerateArray());
    }

    [Fact]
    public async Task Model_IsLoadedListedExplainedAndUnloaded()
    {
        await using var agent = await Agent.OverHttpAsync(fixture.Gateway);
        var loaded = await agent.AskAsync("load_model", new { model_name = "gpt-4o-mini" });
        var pid = loaded.GetProperty("pid").GetInt32();
        var listed = (await agent.AskAsync("list_models")).GetProperty("models").EnumerateArray().ToDictionary(m => m.GetProperty("id").GetString()!);
        var explained = await agent.AskAsync("explain");
        var unloaded = await agent.AskAsync("unload_model", new { model_name = "steady" });

        Assert.Equal("steady", loaded.GetProperty("model").GetString());
        Assert.Equal("ready", listed["steady"].GetProperty("state").GetString());
        Assert.Equal(pid, listed["steady"].GetProperty("pid").GetInt32());
        Assert.Equal(100 << 20, listed["steady"].GetProperty("required_bytes").GetInt64());
        Assert.Equal("never", listed["huge"].GetProperty("fit").GetString());
        Assert.Equal("missing", listed["absent"].GetProperty("state").GetString());
        Assert.Contains(explained.GetProperty("resident").EnumerateArray(), r => r.GetProperty("model").GetString() == "steady");
        Assert.Equal(["steady"], unloaded.GetProperty("unloaded").EnumerateArray().Select(u => u.GetString()!));
        Assert.False(Gateway.IsAlive(pid));
    }

    [Theory]
    [InlineData("load_model", """{"model_name":"stedy"}""", "Did you mean 'steady'?")]
    [InlineData("load_model", """{"model_name":"huge"}""", "is needed for huge")]
    [InlineData("load_model", """{"model_name":"absent"}""", "cannot be launched")]
    [InlineData("load_model", """{"model":"steady"}""", "model_name")]
    [InlineData("load_model", "{}", "model_name is missing")]
    [InlineData("load_model", """{"model":"steady","model_name":"steady"}""", "'model' is none of them")]
    [InlineData("load_model", """{"model_name":null}""", "model_name is null")]
    [InlineData("check_llm_status", """{"port":1.5}""", "port is not a whole number")]
    [InlineData("check_llm_status", """{"port":70000}""", "70000 is not a port.")]
    [InlineData("download_model", """{"model_name":"absent"}""", "/nowhere/model.gguf does not exist. It does not come from the Hub.")]
    [InlineData("launch_llm_server", """{"model_name":"steady","port":20001,"memory_requirement_gb":1e300}""", "no amount of memory")]
    [InlineData("shutdown_llm_server", """{"port":1}""", "No server of this gateway runs on port 1.")]
    [InlineData("shutdown_llm_server", """{"port":"x"}""", "not the arguments")]
    [InlineData("launch_llm_server", """{"model_name":"steady","port":70000}""", "70000 is not a port.")]
    [InlineData("launch_llm_server", """{"model_name":"steady","port":20001,"memory_requirement_gb":-1}""", "no amount of memory")]
    [InlineData("restart_llm_server", """{"port":1}""", "No server of this gateway runs on port 1.")]
    public async Task Tool_ThatCannot_SaysWhy(string tool, string arguments, string says)
    {
        await using var agent = await Agent.OverHttpAsync(fixture.Gateway);

        var said = await agent.RefusedAsync(tool, JsonDocument.Parse(arguments).RootElement);

        Assert.Contains(says, said, StringComparison.Ordinal);
        Assert.DoesNotContain("MlxGateway.", said, StringComparison.Ordinal); // no name of a type
    }

    [Fact]
    public async Task Load_OfAFileThatIsNotHere_DoesNotSayThatItCanBeDownloaded()
    {
        await using var agent = await Agent.OverHttpAsync(fixture.Gateway);

        Assert.Single((await agent.CallAsync("load_model", new { model_name = "absent" })).Content);
        Assert.Equal(2, (await agent.CallAsync("load_model", new { model_name = "huge" })).Content.Count);
    }

    [Fact]
    public async Task UnknownTool_IsAnErrorOfTheProtocol()
    {
        await using var agent = await Agent.OverHttpAsync(fixture.Gateway);

        await Assert.ThrowsAsync<McpProtocolException>(() => agent.CallAsync("sing"));
    }

    [Fact]
    public async Task Calls_AtTheSameTime_AreAllAnswered()
    {
        await using var agent = await Agent.OverHttpAsync(fixture.Gateway);
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => agent.AskAsync(i % 2 == 0 ? "list_models" : "explain")));

        Assert.All(answers, a => Assert.NotEmpty(a.GetProperty("message").GetString()!));
    }
}
