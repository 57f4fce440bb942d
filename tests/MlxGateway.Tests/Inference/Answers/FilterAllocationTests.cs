using System.Text;
using MlxGateway.Inference;
using Xunit;

namespace MlxGateway.Tests.Inference.Answers;

/// <summary>A token on its way costs no memory, whether something in it is put right or not.</summary>
public sealed class FilterAllocationTests
{
    private const string Plain = """data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"another","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}""" + "\n\n";
    private const string Echoed = """data: {"id":"c","model":"default_model","choices":[{"index":0,"delta":{"reasoning":" word","tool_calls":[]},"finish_reason":null}]}""" + "\n\n";
    private const string Timed = """data: {"id":"c","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}],"usage":null,"timings":{"predicted_per_second":7.5}}""" + "\n\n";
    private const string Delta = """event: response.output_text.delta""" + "\n" + """data: {"type":"response.output_text.delta","item_id":"m","delta":" word"}""" + "\n\n";

    [Theory]
    [InlineData(Plain, nameof(FilterChain.OfChat))]
    [InlineData(Echoed, nameof(FilterChain.OfChat))]
    [InlineData(Timed, nameof(FilterChain.OfChat))]
    [InlineData(Plain, nameof(FilterChain.OfChatWithoutCounts))]
    [InlineData(Delta, nameof(FilterChain.OfResponses))]
    public void Token_AfterTheFirst_AllocatesNothing(string text, string name)
    {
        var chain = name switch
        {
            nameof(FilterChain.OfChat) => FilterChain.OfChat(),
            nameof(FilterChain.OfResponses) => FilterChain.OfResponses(),
            _ => FilterChain.OfChatWithoutCounts(),
        };
        var token = Encoding.UTF8.GetBytes(text);
        using var framer = new SseFramer();
        var facts = default(StreamFacts);
        Send(2000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Send(2000);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Send(int times)
        {
            for (var i = 0; i < times; i++)
            {
                // In two pieces every other time, as a network may have it.
                ReadOnlyMemory<byte> bytes = token.AsMemory(0, i % 2 == 0 ? token.Length : 40);
                Take(ref bytes);
                bytes = token.AsMemory(token.Length - (i % 2 == 0 ? 0 : token.Length - 40));
                Take(ref bytes);
            }
        }

        void Take(ref ReadOnlyMemory<byte> bytes)
        {
            while (!bytes.IsEmpty && framer.TryTake(ref bytes, out var events))
            {
                _ = facts.Note(events.Span);
                _ = chain.Filter(events);
            }
        }
    }
}
