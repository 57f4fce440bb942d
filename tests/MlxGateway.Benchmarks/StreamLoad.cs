using System.Diagnostics;

namespace MlxGateway.Benchmarks;

/// <summary>Reads many paced streams at the same time, and the processor time of the proxy while all of them run.</summary>
internal static class StreamLoad
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>Runs and prints a <see cref="StreamResult"/>.</summary>
    public static async Task<int> RunAsync(Arguments arguments)
    {
        var target = new Uri(arguments.Text("target") ?? throw new FormatException("--target is missing"));
        var count = arguments.Number("streams", 1);
        var tokens = arguments.Number("tokens", 100);
        var gap = arguments.Number("gap", 10);
        var leftOut = arguments.Number("left-out", 0);
        using var proxy = Process.GetProcessById(arguments.Number("pid", 0));
        arguments.NoMore();

        using var deadline = new CancellationTokenSource(Longest);
        var request = LoadRequest.Stream(target, "bench", tokens, gap);
        var streams = Enumerable.Range(0, count).Select(_ => new PacedStream(target, request, tokens, leftOut)).ToList();
        var running = new List<Task>();
        foreach (var stream in streams)
        {
            running.Add(Task.Run(() => stream.RunAsync(deadline.Token)));
            await Task.Delay(TimeSpan.FromMilliseconds(1)); // so that not all of them are in step
        }

        // From when the last one has begun to when the first one ends, all are there.
        await Task.WhenAll(streams.Select(s => s.Begun));
        var (start, cpu, before) = (Stopwatch.GetTimestamp(), proxy.TotalProcessorTime, streams.Sum(s => s.Count));
        await Task.WhenAny(running);
        proxy.Refresh();
        var (seconds, spent, seen) = (Stopwatch.GetElapsedTime(start).TotalSeconds, proxy.TotalProcessorTime - cpu, streams.Sum(s => s.Count) - before);
        await Task.WhenAll(running);

        var delays = streams.SelectMany(s => s.Delays).Order().ToArray();
        Console.WriteLine(new StreamResult(seen / seconds, LoadGenerator.At(delays, 0.5), LoadGenerator.At(delays, 0.99), spent.TotalMicroseconds / seen).ToLine());
        return 0;
    }
}
