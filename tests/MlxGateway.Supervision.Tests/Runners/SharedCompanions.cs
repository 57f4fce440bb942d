using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

/// <summary>Companions that the tests of a class share where they do not disturb each other: a Python that imports its engine takes most of a second of processor time.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class SharedCompanions : IAsyncDisposable
{
    private readonly Dictionary<string, CompanionProcess> _companions = new(StringComparer.Ordinal);

    /// <summary>The companion that was started so, ready and at rest; the first to ask starts it. The tests of a class come one after the other.</summary>
    internal async Task<CompanionProcess> ReadyAsync(string python, params string[] arguments)
    {
        var key = string.Join(' ', [python, .. arguments]);
        if (!_companions.TryGetValue(key, out var companion))
        {
            _companions[key] = companion = await CompanionProcess.ReadyAsync(python, arguments);
        }

        await companion.CountsAsync(running: 0, queued: 0);
        return companion;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var companion in _companions.Values)
        {
            await companion.DisposeAsync();
        }
    }
}
