namespace MlxGateway.ContextWindow;

/// <summary>Which messages of a conversation stay as they are, and which are put together. A pure decision.</summary>
/// <param name="Older">The messages that may be summarised, in their order.</param>
/// <param name="Tail">The first of the messages at the end that stay.</param>
internal sealed record CompactionPlan(IReadOnlyList<int> Older, int Tail)
{
    /// <summary>Decides. Instructions stay wherever they are.</summary>
    /// <param name="messages">The conversation.</param>
    /// <param name="keep">How many messages at its end stay at least.</param>
    public static CompactionPlan For(IReadOnlyList<MessageSpan> messages, int keep)
    {
        var tail = Math.Max(0, messages.Count - keep);

        // A result stays with its call, which is before the results: one message, or an item for each call and thought of that turn.
        while (tail > 0 && tail < messages.Count && (messages[tail].Speaker == Speaker.Tool || (messages[tail].Speaker == Speaker.Call && messages[tail - 1].Speaker == Speaker.Call)))
        {
            tail--;
        }

        // The summary comes as a user's message. Many templates refuse two of those in a row, so the answer before the user's next message stays too.
        if (tail > 0 && tail < messages.Count && messages[tail].Speaker == Speaker.User && messages[tail - 1].Speaker == Speaker.Assistant)
        {
            tail--;
        }

        return new CompactionPlan([.. Enumerable.Range(0, tail).Where(i => messages[i].Speaker != Speaker.System)], tail);
    }
}
