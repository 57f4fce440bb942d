using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;

namespace MlxGateway.Supervision.Runners;

/// <summary>Reads the weights of models that will be launched soon into the system's cache of files.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A cancellation source without a timer holds nothing that must be freed.")]
internal sealed partial class WeightReadAhead(ILogger<WeightReadAhead> logger) : IReadAhead
{
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _reading = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public void Begin(ModelSpec model, ByteSize limit)
    {
        var stop = new CancellationTokenSource();
        if (model.Path is { } path && _reading.TryAdd(model.Id, stop))
        {
            _ = ReadAsync(model.Id, path, limit, stop);
        }
    }

    /// <inheritdoc/>
    public void Cancel(string modelId)
    {
        if (_reading.TryRemove(modelId, out var stop))
        {
            stop.Cancel();
        }
    }

    private async Task ReadAsync(string model, string path, ByteSize limit, CancellationTokenSource stop)
    {
        // Listing a folder may wait for a disk that sleeps, so it is not done for the one who asked.
        await Task.Yield();
        var read = await QuietReader.ReadAsync(WeightFiles.Of(path), limit.Bytes, stop.Token);
        _reading.TryRemove(KeyValuePair.Create(model, stop));
        Log.Read(logger, model, new ByteSize(read));
    }

    private static partial class Log
    {
        [LoggerMessage(2520, LogLevel.Information, "Read {Bytes} of {Model} ahead of its launch.")]
        public static partial void Read(ILogger logger, string model, ByteSize bytes);
    }
}
