using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>What the configuration says of a model's requests, from the file to the runner.</summary>
public sealed class ModelSettingsTests
{
    [Fact]
    public async Task Fields_OfTheConfiguration_ReachTheRunnerAndItsNameThePeople()
    {
        await using var gateway = await Gateway.StartAsync("""
            "plain": {"Runner":"demo","Memory":"1MB","Name":"A plain model","SystemPrompt":"Be brief.","Defaults":{"top_k":40,"stop":["</s>"],"chat_template_kwargs":{"enable_thinking":false} },"Forced":{"temperature":0.5},"Forbidden":["logit_bias"]}
            """);

        await gateway.PostAsync("/v1/chat/completions", """{"model":"plain","temperature":2,"top_k":5,"logit_bias":{"1":2},"messages":[{"role":"user","content":"hi"}]}""");

        var port = (await gateway.RunningAsync()).Single().Port;
        using var client = new HttpClient();
        var last = JsonDocument.Parse(await client.GetStringAsync(new Uri($"http://127.0.0.1:{port}/demo/last"), TestContext.Current.CancellationToken)).RootElement;
        var body = last.GetProperty("body");
        Assert.Equal((0.5, 5), (body.GetProperty("temperature").GetDouble(), body.GetProperty("top_k").GetInt32()));
        Assert.False(body.GetProperty("chat_template_kwargs").GetProperty("enable_thinking").GetBoolean());
        Assert.Equal("</s>", body.GetProperty("stop")[0].GetString());
        Assert.False(body.TryGetProperty("logit_bias", out _));
        Assert.Equal(["system:Be brief.", "user:hi"], body.GetProperty("messages").EnumerateArray().Select(m => $"{m.GetProperty("role")}:{m.GetProperty("content")}"));
        Assert.Equal("A plain model", (await gateway.GetAsync("/v1/models/plain")).Json.GetProperty("name").GetString());
    }
}
