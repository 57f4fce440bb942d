using System.Text;
using System.Text.Json.Nodes;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Runners.Kinds;
using Xunit;

namespace MlxGateway.Tests.Inference;

/// <summary>What the configuration of a model makes of the fields of its requests: what a client sends, and what the engine gets.</summary>
public sealed class FieldSettingsTests
{
    private const string Chat = "/v1/chat/completions";

    private static readonly RequestFields Fields = new()
    {
        Defaults = Map(("top_p", "0.9"), ("chat_template_kwargs", """{"enable_thinking":false}""")),
        Forced = Map(("temperature", "0")),
        Forbidden = ["seed"],
    };

    [Theory]
    [InlineData("""{"messages":[]}""", """{"chat_template_kwargs":{"enable_thinking":false},"temperature":0,"top_p":0.9,"messages":[]}""")]
    [InlineData("""{"messages":[],"temperature":1.5}""", """{"chat_template_kwargs":{"enable_thinking":false},"top_p":0.9,"messages":[],"temperature":0}""")]
    [InlineData("""{"temperature":{"a":[1,2]},"top_p":0.1,"chat_template_kwargs":{}}""", """{"temperature":0,"top_p":0.1,"chat_template_kwargs":{}}""")]
    [InlineData("""{"top_p":null,"temperature":null,"chat_template_kwargs":1}""", """{"top_p":0.9,"temperature":0,"chat_template_kwargs":1}""")]
    [InlineData("""{"seed":7,"messages":[],"top_p":1,"chat_template_kwargs":1}""", """{"temperature":0,"messages":[],"top_p":1,"chat_template_kwargs":1}""")]
    [InlineData("""{"top_p":1,"chat_template_kwargs":1,"s\u0065ed":{"deep":[]}}""", """{"temperature":0,"top_p":1,"chat_template_kwargs":1}""")]
    [InlineData("{}", "{}")]
    public void Shape_FieldsOfTheConfiguration_AreDefaultsForcedOrGone(string sent, string got)
    {
        var shaped = Shaped(sent, RequestRules.None, Fields);

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(got), JsonNode.Parse(shaped)), shaped);
    }

    // Its own rules hold for what the configuration says too, or the configuration would break the engine.
    [Theory]
    [InlineData("xtc_probability", "1", """{"messages":[]}""", """{"xtc_probability":1.0,"messages":[]}""")]
    [InlineData("xtc_probability", "1", """{"xtc_probability":0.5,"messages":[]}""", """{"xtc_probability":1.0,"messages":[]}""")]
    [InlineData("adapters", "\"/x\"", """{"messages":[]}""", """{"messages":[]}""")]
    [InlineData("adapters", "\"/x\"", """{"adapters":"y","messages":[]}""", """{"messages":[]}""")]
    public void Shape_FieldThatTheEngineIsParticularAbout_KeepsItsRule(string field, string value, string sent, string got) =>
        Assert.Equal(got, Shaped(sent, MlxLmRules.All, new RequestFields { Forced = Map((field, value)) }));

    [Fact]
    public async Task NameAndStream_BesideFieldsThatCameIn_AreSentToo()
    {
        using var request = (JsonRequest)await ClientExchange.RequestAsync("""{"seed":1,"messages":[{"role":"user","content":"x"}]}""");
        Assert.Null(request.Shape(RequestRules.None, Fields));
        request.NameModel("m");
        Assert.True(request.AskForStream());

        using var reader = new StreamReader(request.OpenBody());
        var got = JsonNode.Parse(await reader.ReadToEndAsync(TestContext.Current.CancellationToken))!.AsObject();

        Assert.Equal(["chat_template_kwargs", "messages", "model", "stream", "stream_options", "temperature", "top_p"], got.Select(p => p.Key).Order(StringComparer.Ordinal));
    }

    private static string Shaped(string sent, RequestRules rules, RequestFields fields)
    {
        var body = new System.Buffers.ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(sent));
        var (edits, _, error) = BodyShaper.Shape(body, 0, rules, fields, Chat);
        Assert.Null(error);
        using var reader = new StreamReader(new SplicedStream(body, edits));
        return reader.ReadToEnd();
    }

    private static ValueMap Map(params (string Name, string Json)[] fields) => new(fields.Select(f => KeyValuePair.Create(f.Name, f.Json)));
}
