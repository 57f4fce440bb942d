using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Runners.Kinds;
using Xunit;

namespace MlxGateway.Tests.Inference;

/// <summary>What an engine is particular about, as pairs: what a client sends, and what the engine gets.</summary>
public sealed class BodyShaperTests
{
    private const string Chat = "/v1/chat/completions";

    [Theory]
    [InlineData("""{"model":"a","messages":[]}""", """{"model":"a","messages":[]}""")]
    [InlineData("""{"temperature":null,"messages":[]}""", """{"messages":[]}""")]
    [InlineData("""{"messages":[],"temperature":null}""", """{"messages":[]}""")]
    [InlineData("""{"messages":[],"temperature":null,"seed":null}""", """{"messages":[]}""")]
    [InlineData("""{"seed":null,"messages":[],"x":1,"temperature":null}""", """{"messages":[],"x":1}""")]
    [InlineData("""{ "messages" : [ ] , "adapters" : "/x" , "draft_model" : "y" , "n" : 1 }""", """{ "messages" : [ ] , "n" : 1 }""")]
    [InlineData("""{"messages":[],"stream_options":{}}""", """{"messages":[]}""")]
    [InlineData("""{"messages":[],"stream_options":{"include_usage":false}}""", """{"messages":[]}""")]
    [InlineData("""{"messages":[],"stream_options":{"include_usage":true}}""", """{"messages":[],"stream_options":{"include_usage":true}}""")]
    [InlineData("""{"messages":[],"xtc_probability":0,"xtc_threshold":0.5}""", """{"messages":[],"xtc_probability":0.0,"xtc_threshold":0.5}""")]
    [InlineData("""{"messages":[],"stop":["a","b"],"unknown":{"deep":[null]}}""", """{"messages":[],"stop":["a","b"],"unknown":{"deep":[null]}}""")]
    [InlineData("""{"model":null,"messages":[]}""", """{"model":null,"messages":[]}""")]
    public void Shape_Body_BecomesWhatTheEngineTakes(string sent, string got) => Assert.Equal(got, Shaped(sent));

    // Clients leave out /v1, and mlx_lm closes the connection on such a body.
    [Theory]
    [InlineData("/v1/chat/completions", "messages")]
    [InlineData("/chat/completions", "messages")]
    [InlineData("/completions", "prompt")]
    public async Task Shape_RouteInAnySpelling_WantsWhatTheRouteIsFor(string path, string field)
    {
        var request = await ClientExchange.RequestAsync("""{"model":"a"}""", InferenceRoute.All.Single(route => route.Path == path));

        Assert.Equal(GatewayError.InvalidRequest($"The field '{field}' is missing.", field), request.Shape(MlxLmRules.All, RequestFields.None));
    }

    [Theory]
    [InlineData("""{"model":"a"}""", "messages")]
    [InlineData("""{"messages":null}""", "messages")]
    [InlineData("""{"messages":"text"}""", "messages")]
    [InlineData("""{"messages":["text"]}""", "messages")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"x"}}]}]}""", "messages")]
    [InlineData("""{"messages":[],"stop":[1]}""", "stop")]
    [InlineData("""{"messages":[],"stop":7}""", "stop")]
    [InlineData("""{"messages":[],"stop":[["a"]]}""", "stop")]
    [InlineData("""{"messages":[],"temperature":"hot"}""", "temperature")]
    [InlineData("""{"messages":[],"temperature":-0.1}""", "temperature")]
    [InlineData("""{"messages":[],"top_p":1.5}""", "top_p")]
    [InlineData("""{"messages":[],"max_tokens":1.5}""", "max_tokens")]
    [InlineData("""{"messages":[],"max_tokens":0}""", "max_tokens")]
    [InlineData("""{"messages":[],"logprobs":5}""", "logprobs")]
    [InlineData("""{"messages":[],"top_logprobs":12}""", "top_logprobs")]
    [InlineData("""{"messages":[],"logit_bias":[]}""", "logit_bias")]
    [InlineData("""{"messages":[],"st\u006fp":[1]}""", "stop")]
    public void Shape_WhatTheEngineCannotBear_IsRefusedByName(string sent, string field)
    {
        var (_, _, error) = BodyShaper.Shape(Sequence(sent), 0, MlxLmRules.All, RequestFields.None, Chat);

        Assert.Equal((400, "invalid_request", field), (error!.Status, error.Code, error.Param));
    }

    [Fact]
    public void Shape_Completions_NeedAPromptAndNoMessages()
    {
        Assert.Null(BodyShaper.Shape(Sequence("""{"prompt":"x"}"""), 0, MlxLmRules.All, RequestFields.None, "/v1/completions").Error);
        Assert.Equal("prompt", BodyShaper.Shape(Sequence("""{"messages":[]}"""), 0, MlxLmRules.All, RequestFields.None, "/v1/completions").Error!.Param);
    }

    // Whatever is dropped, in whatever order, with whatever white space: JSON in, JSON out, and only what was to go is gone.
    [Fact]
    public void Shape_RandomMembers_LeaveValidJsonWithTheRestUnchanged()
    {
        var random = new Random(4711);
        string[] pool = ["\"temperature\":null", "\"adapters\":\"x\"", "\"draft_model\":{\"a\":[1]}", "\"messages\":[]", "\"n\":1", "\"x\":\"},{\\\"\"", "\"seed\": null", "\"tools\" : [ ]"];
        for (var round = 0; round < 2000; round++)
        {
            var members = pool.OrderBy(_ => random.Next()).Take(random.Next(1, pool.Length + 1)).Append("\"messages\":[]").DistinctBy(m => m.Split(':')[0]).ToList();
            var sent = $"{{{string.Join(random.Next(2) == 0 ? "," : " ,\n ", members)}}}";

            var got = JsonNode.Parse(Shaped(sent))!.AsObject().Select(p => p.Key).Order(StringComparer.Ordinal);

            var expected = members.Select(m => m.Split('"')[1]).Where(name => name is "messages" or "n" or "x" or "tools").Order(StringComparer.Ordinal);
            Assert.Equal(expected, got);
        }
    }

    private static string Shaped(string sent)
    {
        var body = Sequence(sent);
        var (edits, _, error) = BodyShaper.Shape(body, 0, MlxLmRules.All, RequestFields.None, Chat);
        Assert.Null(error);
        using var reader = new StreamReader(new SplicedStream(body, edits));
        return reader.ReadToEnd();
    }

    private static ReadOnlySequence<byte> Sequence(string text) => new(Encoding.UTF8.GetBytes(text));
}
