using System.Text;
using MlxGateway.Tests.Hosting;
using Xunit;

namespace MlxGateway.Tests.Inference.Answers;

/// <summary>The memory of the whole process is looked at, so nothing else runs meanwhile.</summary>
[Collection(nameof(TheProcess))]
public sealed class FilterMemoryTests
{
    [Fact]
    public void Filters_StreamOfAnyLength_KeepTheSameMemory()
    {
        // Each call of another choice, each item another: what a runner has said must not be kept for ever.
        var (chat, responses) = (FilterChain.OfChat(), FilterChain.OfResponses());
        Send(0, 20_000);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        Send(20_000, 60_000);

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 256 * 1024);
        GC.KeepAlive(chat);
        GC.KeepAlive(responses);

        void Send(int from, int to)
        {
            for (var i = from; i < to; i++)
            {
                chat.Filter(Encoding.UTF8.GetBytes($$$"""data: {"choices":[{"index":{{{i}}},"delta":{"tool_calls":[{"index":{{{i}}},"function":{"name":"f"}}]}}]}""" + "\n\n"));
                chat.Filter(Encoding.UTF8.GetBytes($$$"""data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":{{{i}}},"function":{"name":"f"}}]}}]}""" + "\n\n"));
                responses.Filter(Encoding.UTF8.GetBytes($$$"""data: {"type":"response.output_item.added","item":{"id":"item-{{{i}}}"}}""" + "\n\n"));
            }
        }
    }
}
