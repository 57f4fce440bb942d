using System.Collections.Concurrent;
using ModelContextProtocol;

namespace MlxGateway.Tests.Mcp;

/// <summary>Writes down what a tool says of its progress, in order.</summary>
internal sealed class Notes : IProgress<ProgressNotificationValue>
{
    private readonly ConcurrentQueue<ProgressNotificationValue> _all = new();

    /// <summary>What was said, in words.</summary>
    public IReadOnlyList<string> Messages => [.. _all.Select(static n => n.Message ?? "")];

    /// <summary>All that was said.</summary>
    public IReadOnlyList<ProgressNotificationValue> All => [.. _all];

    /// <inheritdoc/>
    public void Report(ProgressNotificationValue value) => _all.Enqueue(value);
}
