using System.Diagnostics;

namespace MlxGateway.Benchmarks;

/// <summary>A closed loop: each connection sends its next request when it has the whole answer to the last one. Bounded by count and by time.</summary>
internal static class LoadGenerator
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(10);

    /// <summary>Runs and prints a <see cref="LoadResult"/>.</summary>
    public static async Task<int> RunAsync(Arguments arguments)
    {
        var target = new Uri(arguments.Text("target") ?? throw new FormatException("--target is missing"));
        var connections = arguments.Number("connections", 1);
        var warmup = arguments.Number("warmup", 0);
        var requests = arguments.Number("requests", int.MaxValue);
        var time = TimeSpan.FromMilliseconds(arguments.Number("milliseconds", (int)Longest.TotalMilliseconds));
        var pause = TimeSpan.FromMilliseconds(arguments.Number("pause", 0));
        var model = arguments.Text("model") ?? "bench";
        var size = arguments.Number("body", 2048);
        var (tokens, gap) = (arguments.Number("tokens", 0), arguments.Number("gap", 10));
        var request = arguments.Text("get") is { } path ? LoadRequest.Get(target, path)
            : arguments.Has("form") ? LoadRequest.Recording(target, model, size)
            : tokens > 0 ? LoadRequest.Stream(target, model, tokens, gap)
            : LoadRequest.Chat(target, model, arguments.Has("stream"), size);
        arguments.NoMore();

        using var deadline = new CancellationTokenSource(Longest + TimeSpan.FromMinutes(1));
        var clients = Enumerable.Range(0, connections).Select(_ => new LoadConnection(target, request)).ToList();
        await RunAsync(clients, warmup, Longest, TimeSpan.Zero, deadline.Token);
        clients.ForEach(c => c.Forget());
        var start = Stopwatch.GetTimestamp();
        await RunAsync(clients, requests, time, pause, deadline.Token);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;

        var all = clients.SelectMany(c => c.Ticks).Order().ToArray();
        var result = new LoadResult(all.Length, seconds, At(all, 0.5), At(all, 0.99), clients.Sum(c => c.Reconnects));
        clients.ForEach(c => c.Dispose());
        Console.WriteLine(result.ToLine());
        return 0;
    }

    private static Task RunAsync(List<LoadConnection> clients, int requests, TimeSpan time, TimeSpan pause, CancellationToken cancellationToken)
    {
        var left = requests;
        var start = Stopwatch.GetTimestamp();
        return Task.WhenAll(clients.Select(client => Task.Run(
            async () =>
            {
                while (Interlocked.Decrement(ref left) >= 0 && Stopwatch.GetElapsedTime(start) < time)
                {
                    await client.AskAsync(cancellationToken);
                    if (pause > TimeSpan.Zero)
                    {
                        await Task.Delay(pause, cancellationToken);
                    }
                }
            },
            cancellationToken)));
    }

    /// <summary>What so large a part of the values, sorted and in ticks of <see cref="Stopwatch"/>, does not exceed, in microseconds.</summary>
    public static double At(long[] sorted, double quantile) =>
        sorted.Length == 0 ? double.NaN : sorted[(int)((sorted.Length - 1) * quantile)] * 1e6 / Stopwatch.Frequency;
}
