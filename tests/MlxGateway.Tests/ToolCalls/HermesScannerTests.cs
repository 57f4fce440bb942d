using MlxGateway.ToolCalls;
using Xunit;

namespace MlxGateway.Tests.ToolCalls;

public sealed class HermesScannerTests
{
    private const string Call = """<tool_call>{"name":"get_weather","arguments":{"city":"Paris","deep":{"a":["}<"]}}}</tool_call>""";

    [Theory]
    [InlineData(Call, "", 1)]
    [InlineData("Let me see.\n" + Call + "\n" + Call, "Let me see.\n\n", 2)]
    [InlineData("You write " + Call + " to call.", "You write " + Call + " to call.", 0)]
    [InlineData("""<tool_call>{"name":"other","arguments":{}}</tool_call>""", """<tool_call>{"name":"other","arguments":{}}</tool_call>""", 0)]
    [InlineData("<tool_call>{broken</tool_call> x", "<tool_call>{broken</tool_call> x", 0)]
    [InlineData("<tool_call> is a tag", "<tool_call> is a tag", 0)]
    [InlineData("""<tool_call>{"name":"get_""", """<tool_call>{"name":"get_""", 0)]
    [InlineData("a < b\n<b>", "a < b\n<b>", 0)]
    public void Text_InPiecesOfAnyLength_GivesTheSameTextAndCalls(string said, string text, int count)
    {
        for (var length = 1; length <= said.Length; length++)
        {
            var scanner = new HermesScanner(new HashSet<string> { "get_weather" });
            var calls = new List<(string Name, string Arguments)>();
            var received = string.Concat(said.Chunk(length).Select(piece => scanner.Push(new string(piece), calls)));
            Assert.Equal(text, received + scanner.Flush());
            Assert.Equal(count, calls.Count);
            Assert.All(calls, call => Assert.Equal(("get_weather", """{"city":"Paris","deep":{"a":["}<"]}}"""), call));
        }
    }

    [Fact]
    public void Push_TextThatIsNoBeginningOfACall_IsGivenAtOnce()
    {
        var scanner = new HermesScanner(new HashSet<string>());
        Assert.Equal("Hello", scanner.Push("Hello", []));
        Assert.Equal("\n", scanner.Push("\n<tool", []));
        Assert.True(scanner.Holds);
        Assert.Equal("<toolbox", scanner.Push("box", []));
        Assert.False(scanner.Holds);
    }
}
