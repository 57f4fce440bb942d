using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using MlxGateway.Inference;
using Xunit;

namespace MlxGateway.Tests.Inference;

public sealed class InferenceRequestTests
{
    [Theory]
    [InlineData("""{}""")]
    [InlineData("""{ }""")]
    [InlineData("""{"messages":[]}""")]
    [InlineData("""{ "messages" : [ ] }""")]
    [InlineData("""{"model":null,"stream":true}""")]
    [InlineData("""{"model":"a"}""")]
    [InlineData("""{"model":"a","x":[1,2,{"model":"inner"}],"y":"€𝄞"}""")]
    [InlineData("""{"x":"\"model\":\"no\"","model" : "a/b\u0041\"" }""")]
    [InlineData("""{"mod\u0065l":"a"}""")]
    [InlineData(" \n{\"model\":\"a\"}\n ")]
    [InlineData("\uFEFF{\"model\":\"a\",\"x\":1}")]
    [InlineData("\uFEFF{\"x\":1}")]
    public async Task NameModel_AnyBodyAndAnyReadBuffer_ChangesTheModelAndNothingElse(string body)
    {
        var expected = JsonNode.Parse(body.TrimStart('\uFEFF'))!.AsObject();
        foreach (var name in new[] { "m", "", "org/name-4bit", "quote\" back\\slash \n € 𝄞", new string('n', 5000) })
        {
            expected["model"] = name;
            using var request = await ClientExchange.RequestAsync(body);
            request.NameModel("a name that is overruled");
            request.NameModel(name);
            foreach (var buffer in new[] { 1, 2, 7, 64, 100_000 })
            {
                using var stream = request.OpenBody();
                var sent = await DrainAsync(stream, buffer);

                Assert.Equal(stream.Length, sent.Length);
                Assert.True(sent is [(byte)' ' or (byte)'{', ..], "what is sent must begin as JSON does");
                Assert.True(JsonNode.DeepEquals(expected, JsonNode.Parse(sent)), Encoding.UTF8.GetString(sent));
            }
        }
    }

    [Fact]
    public async Task OpenBody_LargeBody_IsSplicedAcrossItsBlocks()
    {
        var random = new Random(5);
        for (var i = 0; i < 6; i++)
        {
            var text = new string('x', random.Next(1, 3 << 20));
            using var request = await ClientExchange.RequestAsync($$"""{"a":"{{text}}","model":"old","b":"{{text}}"}""");
            request.NameModel("new");
            using var stream = request.OpenBody();

            Assert.Equal($$"""{"a":"{{text}}","model":"new","b":"{{text}}"}""", Encoding.UTF8.GetString(await DrainAsync(stream, random.Next(1, 100_000))));
        }
    }

    [Fact]
    public void Splice_SeveralEdits_AreAppliedInTheirPlaces()
    {
        var body = Pieces.Sequence("0123456789"u8.ToArray(), new Random(2));
        BodyEdit[] edits = [new(0, 2, "AB"u8.ToArray()), new(4, 0, "+"u8.ToArray()), new(6, 3, default), new(10, 0, "!"u8.ToArray())];
        using var stream = new SplicedStream(body, edits);
        var sent = new byte[100];

        Assert.Equal("AB23+459!", Encoding.UTF8.GetString(sent, 0, stream.Read(sent)));
        Assert.Equal(0, stream.Read(sent));
        Assert.Equal(9, stream.Length);
    }

    [Fact]
    public void Splice_NothingAtAll_IsEmpty()
    {
        using var stream = new SplicedStream(ReadOnlySequence<byte>.Empty, []);

        Assert.Equal(0, stream.Length);
        Assert.Equal(0, stream.Read(new byte[10]));
    }

    [Theory]
    [InlineData("/v1/chat/completions", true)]
    [InlineData("/v1/completions", true)]
    [InlineData("/v1/embeddings", false)] // never streams, whatever the body says
    public async Task Stream_AskedFor_CountsWhereTheRouteStreams(string path, bool streams)
    {
        using var request = await ClientExchange.RequestAsync("""{"model":"m","stream":true}""", InferenceRoute.All.Single(r => r.Path == path));

        Assert.Equal(streams, request.Stream);
    }

    [Fact]
    public async Task Read_EmptyBody_IsRefused() => Assert.Contains("empty", (await ClientExchange.ReadAsync([])).Error!.Message, StringComparison.Ordinal);

    [Fact]
    public async Task Read_NotUtf8_IsRefused() =>
        Assert.Contains("not valid UTF-8", (await ClientExchange.ReadAsync([.. "{\"model\":\""u8, 0xC3, .. "\"}"u8])).Error!.Message, StringComparison.Ordinal);

    private static async Task<byte[]> DrainAsync(Stream stream, int size)
    {
        var all = new MemoryStream();
        var buffer = new byte[size];
        for (int read; (read = await stream.ReadAsync(buffer, TestContext.Current.CancellationToken)) > 0;)
        {
            all.Write(buffer, 0, read);
        }

        return all.ToArray();
    }
}
