using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using MlxGateway.Inference;

namespace MlxGateway.ContextWindow;

/// <summary>How many tokens a byte of a body is for each model, learned from what engines say they have read. More than the average: too many is a summary too early, too few is a refusal by the engine.</summary>
internal sealed class TokenRatios : IRequestObserver
{
    // Dense text: three bytes a token, and two where there are many short names.
    internal const double Unlearned = 0.4;
    private const int LeastBytes = 512;
    private const int MostModels = 1000;
    private readonly ConcurrentDictionary<string, double> _ratios = new(StringComparer.Ordinal);
    private readonly ConditionalWeakTable<RequestRecord, object> _misleading = [];

    /// <summary>The tokens of one byte.</summary>
    public double For(string model) => _ratios.TryGetValue(model, out var ratio) ? ratio : Unlearned;

    /// <summary>Nothing is learned from a request whose body is not what the engine read, or is not text.</summary>
    public void Ignore(RequestRecord record) => _misleading.AddOrUpdate(record, this);

    /// <inheritdoc/>
    public void Completed(RequestRecord record)
    {
        if (record is not { Outcome: RequestOutcome.Completed, Model: { } model, PromptTokens: { } tokens and > 0, RequestBytes: >= LeastBytes and var bytes } || _misleading.TryGetValue(record, out _))
        {
            return;
        }

        // Up at once and down slowly.
        var seen = Math.Clamp((double)tokens / bytes, 0.01, 1);
        if (_ratios.Count < MostModels || _ratios.ContainsKey(model))
        {
            _ratios.AddOrUpdate(model, seen, (_, known) => seen > known ? seen : known + ((seen - known) / 16));
        }
    }
}
