namespace MlxGateway.DemoRunner;

/// <summary>What one answer says, piece by piece, and why it ends.</summary>
/// <param name="Pieces">The pieces; without end if the plan is endless. Joined they are the text.</param>
/// <param name="FinishReason"><c>stop</c>, <c>length</c> or <c>tool_calls</c>.</param>
/// <param name="CallsTool">Whether the pieces are the arguments of a tool call.</param>
internal sealed record Utterance(IEnumerable<string> Pieces, string FinishReason, bool CallsTool)
{
    /// <summary>What the plan makes of the request.</summary>
    public static Utterance Of(AnswerPlan plan, CompletionRequest request, string ownModel)
    {
        if (plan.ToolCall && request is { IsChat: true, FirstTool: not null })
        {
            return new Utterance(["{", "}"], "tool_calls", CallsTool: true);
        }

        var words = plan.Say.Replace("{model}", ownModel, StringComparison.Ordinal).Split(' ');
        if (plan.Endless)
        {
            return new Utterance(Repeated(words), "stop", CallsTool: false);
        }

        var all = plan.Tokens ?? words.Length;
        var wanted = Math.Min(all, request.MaxTokens ?? all);
        return new Utterance(Repeated(words).Take(wanted), wanted < all ? "length" : "stop", CallsTool: false);
    }

    private static IEnumerable<string> Repeated(string[] words)
    {
        for (var i = 0L; ; i++)
        {
            var word = words[i % words.Length];
            yield return i == 0 ? word : $" {word}";
        }
    }
}
