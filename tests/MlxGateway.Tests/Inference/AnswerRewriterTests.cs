using System.Text;
using MlxGateway.Inference;
using Xunit;

namespace MlxGateway.Tests.Inference;

/// <summary>What a runner says of itself, and what the client gets.</summary>
public sealed class AnswerRewriterTests
{
    private readonly AnswerRewriter _rewriter = new("default_model", "my \"own\" name", namesReasoning: true);

    [Theory]
    [InlineData("""{"model": "default_model", "choices": []}""", """{"model": "my \u0022own\u0022 name", "choices": []}""")]
    [InlineData("""{"model":"another"}""", """{"model":"another"}""")]
    [InlineData("""{"choices":[{"message":{"content":"\"model\": \"default_model\""}}]}""", """{"choices":[{"message":{"content":"\"model\": \"default_model\""}}]}""")]
    [InlineData("""{"choices":[{"message":{"model":"default_model"}}]}""", """{"choices":[{"message":{"model":"default_model"}}]}""")]
    [InlineData("""{"choices":[{"message":{"reasoning":"so \"it\" is","content":"x"}}]}""", """{"choices":[{"message":{"reasoning":"so \"it\" is","reasoning_content":"so \"it\" is","content":"x"}}]}""")]
    [InlineData("""{"choices":[{"delta":{"reasoning":"a"}},{"delta":{"reasoning":"b"}}]}""", """{"choices":[{"delta":{"reasoning":"a","reasoning_content":"a"}},{"delta":{"reasoning":"b","reasoning_content":"b"}}]}""")]
    [InlineData("""{"choices":[{"delta":{"reasoning":"a","reasoning_content":"a"}}]}""", """{"choices":[{"delta":{"reasoning":"a","reasoning_content":"a"}}]}""")]
    [InlineData("""{"choices":[{"delta":{"reasoning":null}}]}""", """{"choices":[{"delta":{"reasoning":null}}]}""")]
    [InlineData("""{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{\"reasoning\":\"x\"}"}}]}}]}""", """{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{\"reasoning\":\"x\"}"}}]}}]}""")]
    [InlineData("""{"model": "default_model", "choices": [""", """{"model": "default_model", "choices": [""")]
    [InlineData("not json", "not json")]
    public void Rewrite_Body_ChangesOnlyWhatIsTheRunnersOwn(string said, string got)
    {
        Assert.Equal(got, Text(_rewriter.FilterBody(Encoding.UTF8.GetBytes(said))));
        Assert.Equal($"data: {got}\n\n", Text(_rewriter.FilterEvents(Encoding.UTF8.GetBytes($"data: {said}\n\n"))));
    }

    [Fact]
    public void Rewrite_SeveralEventsWithComments_EachForItself()
    {
        var got = Text(_rewriter.FilterEvents(Encoding.UTF8.GetBytes(": keepalive 1/2\n\ndata: {\"model\": \"default_model\"}\r\n\r\ndata: {\"model\": \"default_model\"}\n\ndata: [DONE]\n\n")));

        Assert.Equal(": keepalive 1/2\n\ndata: {\"model\": \"my \\u0022own\\u0022 name\"}\r\n\r\ndata: {\"model\": \"my \\u0022own\\u0022 name\"}\n\ndata: [DONE]\n\n", got);
    }

    [Fact]
    public void Rewrite_NothingToDo_CopiesNothing()
    {
        var events = Encoding.UTF8.GetBytes("data: {\"model\":\"x\"}\n\n").AsMemory();

        Assert.True(((ReadOnlyMemory<byte>)events).Equals(_rewriter.FilterEvents(events)));
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
