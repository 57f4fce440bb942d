using System.Text;
using System.Text.RegularExpressions;
using MlxGateway.Inference;
using MlxGateway.Inference.Answers;

namespace MlxGateway.Tests.Inference.Answers;

/// <summary>Filters behind a framer, as a stream goes through them, without a runner or a client.</summary>
internal sealed partial class FilterChain(params IAnswerFilter[] filters)
{
    /// <summary>All that a stream of chat completions can go through, in the order of the gateway's own.</summary>
    public static FilterChain OfChat() => new(new AnswerRewriter("default_model", "mine", namesReasoning: true), new ToolCallIds(), new FinishReasons(StreamShape.Chat, "mine"), new AskedUsage(StreamShape.Chat, "mine"));

    /// <summary>The same for a client that did not ask for counts.</summary>
    public static FilterChain OfChatWithoutCounts() => new(new UsageWithheld(), new AnswerRewriter("default_model", "mine", namesReasoning: true), new ToolCallIds(), new FinishReasons(StreamShape.Chat, "mine"));

    /// <summary>All that a stream of <c>/v1/responses</c> goes through.</summary>
    public static FilterChain OfResponses() => new(new AnswerRewriter("default_model", "mine", namesReasoning: true), new ResponseIndexes());

    /// <summary>What the client gets of the pieces. Ids that are made up are all the same one.</summary>
    public string Run(IEnumerable<ReadOnlyMemory<byte>> pieces)
    {
        using var framer = new SseFramer();
        var received = new List<byte>();
        foreach (var piece in pieces)
        {
            Take(framer, piece, received);
        }

        if (framer.Held.Length > 0)
        {
            Take(framer, "\n\n"u8.ToArray(), received);
        }

        return NewIds().Replace(Encoding.UTF8.GetString([.. received]), "call_new");
    }

    private void Take(SseFramer framer, ReadOnlyMemory<byte> piece, List<byte> received)
    {
        while (!piece.IsEmpty && framer.TryTake(ref piece, out var events))
        {
            received.AddRange(Filter(events).Span);
        }
    }

    /// <summary>Filters whole events.</summary>
    public ReadOnlyMemory<byte> Filter(ReadOnlyMemory<byte> events)
    {
        foreach (var filter in filters)
        {
            events = events.IsEmpty ? events : filter.FilterEvents(events);
        }

        return events;
    }

    [GeneratedRegex("call_[0-9a-f]{24}")]
    private static partial Regex NewIds();
}
