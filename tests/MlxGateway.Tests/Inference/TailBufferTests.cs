using System.Text;
using MlxGateway.Inference;
using Xunit;

namespace MlxGateway.Tests.Inference;

public sealed class TailBufferTests
{
    [Theory]
    [InlineData("""{"a":1}""", true)]
    [InlineData("[1] \r\n\t", true)]
    [InlineData("""{"a":1""", false)]
    [InlineData("\"text\"", false)]
    [InlineData("  ", false)]
    [InlineData("", false)]
    public void EndsLikeJson_AnyPieces_LooksAtTheLastByteThatCounts(string body, bool expected)
    {
        var random = new Random(1);
        foreach (var before in new[] { 0, 4095, 4096, 4097, 8192, 20_000 })
        {
            using var tail = new TailBuffer();
            foreach (var piece in Pieces.Cut(Encoding.UTF8.GetBytes(new string(' ', before) + body), random))
            {
                tail.Add(piece.Span);
            }

            Assert.Equal(expected, tail.EndsLikeJson);
        }
    }

    [Fact]
    public void FindUsage_AtTheEndOfALongBody_IsFoundWhateverThePieces()
    {
        var random = new Random(2);
        for (var i = 0; i < 300; i++)
        {
            var body = $$$"""{"choices":[{"message":{"content":"{{{new string('x', random.Next(20_000))}}} \"usage\":{\"prompt_tokens\":1}"}}],"usage":{"prompt_tokens":12,"completion_tokens":34},"timings":{"prompt_n":5} }""";
            using var tail = new TailBuffer();
            for (var at = 0; at < body.Length;)
            {
                var length = Math.Min(random.Next(1, 9000), body.Length - at);
                tail.Add(Encoding.UTF8.GetBytes(body, at, length));
                at += length;
            }

            var facts = tail.FindUsage();

            Assert.Equal((12, 34), (facts.PromptTokens, facts.CompletionTokens));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("""{"choices":[]}""")]
    [InlineData("""{"usage":""")]
    [InlineData("""{"usage":null}""")]
    [InlineData("""{"usage":{"prompt_tok""")]
    [InlineData("""{"usage":{"prompt_tokens\ud800":1}}""")]
    public void FindUsage_NoneThere_FindsNone(string body)
    {
        using var tail = new TailBuffer();
        tail.Add(Encoding.UTF8.GetBytes(body));
        var facts = tail.FindUsage();

        Assert.Null(facts.PromptTokens);
        Assert.Null(facts.CompletionTokens);
        Assert.False(facts.IsComplete);
    }
}
