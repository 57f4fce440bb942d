using System.Collections.Concurrent;
using ModelContextProtocol;

namespace MlxGateway.Tests.Mcp;

/// <summary>Writes down what a tool says of its progress. The client hands notifications on side by side, so that only their numbers tell their order.</summary>
internal sealed class Notes : IProgress<ProgressNotificationValue>
{
    private readonly ConcurrentQueue<ProgressNotificationValue> _all = new();

    /// <summary>What was said, in words.</summary>
    public IReadOnlyList<string> Messages => [.. All.Select(static n => n.Message ?? "")];

    /// <summary>All that was said.</summary>
    public IReadOnlyList<ProgressNotificationValue> All => [.. _all.OrderBy(static n => n.Progress)];

    /// <inheritdoc/>
    public void Report(ProgressNotificationValue value) => _all.Enqueue(value);
}
