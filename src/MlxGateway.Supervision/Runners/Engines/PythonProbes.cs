using System.Globalization;

namespace MlxGateway.Supervision.Runners.Engines;

/// <summary>
/// Asks each Python once what it has, and again only after it has changed: its interpreter, its packages or what is installed of MLX. All engines that
/// are Python modules share the answers. At most four are asked at a time: imports are heavy.
/// </summary>
internal sealed class PythonProbes(EngineProbe probe) : IDisposable
{
    private const int AtATime = 4;
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _places = new(AtATime);
    private readonly Dictionary<string, (PythonFacts Facts, string Stamp)> _known = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Task<PythonFacts>> _asking = new(StringComparer.Ordinal);

    /// <summary>What that Python has. Never throws but for cancellation, which does not end the question: another may be waiting for it too.</summary>
    public Task<PythonFacts> AskAsync(string python, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_known.TryGetValue(python, out var known) && known.Stamp == StampOf(python, known.Facts))
            {
                return Task.FromResult(known.Facts);
            }

            if (!_asking.TryGetValue(python, out var asking))
            {
                asking = Task.Run(() => AskNowAsync(python), CancellationToken.None);
                _asking[python] = asking;
            }

            return asking.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _places.Dispose();

    /// <summary>Changes when what that Python said of itself may no longer be so. An interpreter is mostly a link: where it leads to counts, for an upgrade changes that and not the link.</summary>
    internal static string StampOf(string python, PythonFacts facts)
    {
        var target = File.ResolveLinkTarget(python, returnFinalTarget: true)?.FullName ?? python;
        return string.Join('|', facts.Stamps.Prepend(target).Select(p => p + "@" + File.GetLastWriteTimeUtc(p).Ticks.ToString(CultureInfo.InvariantCulture)));
    }

    private static string Script()
    {
        using var reader = new StreamReader(typeof(PythonProbes).Assembly.GetManifestResourceStream("python_probe.py")!);
        return reader.ReadToEnd();
    }

    private async Task<PythonFacts> AskNowAsync(string python)
    {
        PythonFacts facts;
        await _places.WaitAsync();
        try
        {
            facts = await ReadAsync(python);
        }
        catch (Exception failed) when (failed is IOException or ObjectDisposedException)
        {
            facts = new PythonFacts { Failure = failed.Message };
        }
        finally
        {
            _places.Release();
        }

        lock (_lock)
        {
            _asking.Remove(python);
            _known.Remove(python);
            if (facts.Failure is null)
            {
                _known[python] = (facts, StampOf(python, facts));
            }
        }

        return facts;
    }

    private async Task<PythonFacts> ReadAsync(string python)
    {
        var answer = await probe.AskAsync("python-probe", python, ["-c", Script()], ProbeTimeout, CancellationToken.None);
        if (answer.Exit is not { } exit)
        {
            return new PythonFacts { Failure = answer.NotStarted ?? $"its imports did not end within {ProbeTimeout.TotalSeconds:0} s" };
        }

        return PythonFacts.Read(answer.Lines)
            ?? new PythonFacts { Failure = $"it ended with {exit} and did not say what it has{(answer.Lines.Count > 0 ? $" but: {answer.Lines[^1]}" : "")}" };
    }
}
