using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MlxGateway.Tests.Telemetry;

/// <summary>A stand-in of an OpenTelemetry collector on loopback: takes posts of protobuf and reads what is in them.</summary>
internal sealed class OtlpCollector : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<(string Path, string Headers, byte[] Body)> _posts = new();
    private readonly Task _serving;

    public OtlpCollector()
    {
        _listener.Start();
        _serving = ServeAsync();
    }

    /// <summary>Where it listens.</summary>
    public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Everything that was posted.</summary>
    public IReadOnlyCollection<(string Path, string Headers, byte[] Body)> Posts => _posts;

    /// <summary>The attributes of who sent it.</summary>
    public IReadOnlyList<Dictionary<string, object>> Resources => [.. _posts.SelectMany(static p => new Protobuf(p.Body).Messages(1)).Select(static r => r.Message(1)!.Attributes(1))];

    /// <summary>The spans.</summary>
    public IReadOnlyList<Span> Spans => [.. Scoped("/v1/traces").Select(static s => new Span(s))];

    /// <summary>The lines of the log.</summary>
    public IReadOnlyList<LogLine> Logs => [.. Scoped("/v1/logs").Select(static l => new LogLine(l.Message(5)!.Text(1), l.Attributes(6), l.Hex(9), l.Hex(10)))];

    /// <summary>What was measured last, by the instrument.</summary>
    public IReadOnlyDictionary<string, Metric> Metrics => Scoped("/v1/metrics").Select(static m => new Metric(m)).GroupBy(static m => m.Name, StringComparer.Ordinal).ToDictionary(static g => g.Key, static g => g.Last(), StringComparer.Ordinal);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _serving;
        _stop.Dispose();
    }

    private IEnumerable<Protobuf> Scoped(string path) =>
        _posts.Where(p => p.Path == path).SelectMany(static p => new Protobuf(p.Body).Messages(1)).SelectMany(static r => r.Messages(2)).SelectMany(static s => s.Messages(2));

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _ = ServeAsync(client);
            }
        }
        catch (Exception over) when (over is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // It is being disposed.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var _ = client;
        try
        {
            var stream = client.GetStream();
            while (await ReadHeadAsync(stream) is { } head)
            {
                var length = int.Parse(head.Split("\r\n").First(static l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))[15..], System.Globalization.CultureInfo.InvariantCulture);
                var body = new byte[length];
                await stream.ReadExactlyAsync(body, _stop.Token);
                _posts.Enqueue((head.Split(' ')[1], head, body));
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), _stop.Token);
            }
        }
        catch (Exception over) when (over is IOException or OperationCanceledException or SocketException)
        {
            // The sender has gone.
        }
    }

    private async Task<string?> ReadHeadAsync(NetworkStream stream)
    {
        var head = new MemoryStream();
        var one = new byte[1];
        while (!head.GetBuffer().AsSpan(0, (int)head.Length).EndsWith("\r\n\r\n"u8))
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0)
            {
                return null;
            }

            head.WriteByte(one[0]);
        }

        return Encoding.ASCII.GetString(head.ToArray());
    }
}

/// <summary>A span as it was exported.</summary>
internal sealed class Span(Protobuf span)
{
    public string Trace { get; } = span.Hex(1);

    public string Id { get; } = span.Hex(2);

    public string State { get; } = span.Text(3);

    public string Parent { get; } = span.Hex(4);

    public string Name { get; } = span.Text(5);

    /// <summary>1: internal, 2: server, 3: client.</summary>
    public ulong Kind { get; } = span.Number(6);

    public ulong Start { get; } = span.Number(7);

    public ulong End { get; } = span.Number(8);

    public Dictionary<string, object> Attributes { get; } = span.Attributes(9);

    public IReadOnlyList<(string Trace, string Span)> Links { get; } = [.. span.Messages(13).Select(static l => (l.Hex(1), l.Hex(2)))];

    /// <summary>Whether it ended in an error.</summary>
    public bool IsError { get; } = span.Message(15)?.Number(3) == 2;

    public override string ToString() => Name;
}

/// <summary>A line of the log as it was exported.</summary>
internal sealed record LogLine(string Text, Dictionary<string, object> Attributes, string Trace, string Span);

/// <summary>What an instrument measured, as it was exported.</summary>
internal sealed class Metric(Protobuf metric)
{
    public string Name { get; } = metric.Text(1);

    public string Unit { get; } = metric.Text(3);

    /// <summary>The points: attributes, the sum or the value, and how many measurements it is made of.</summary>
    public IReadOnlyList<(Dictionary<string, object> Attributes, double Sum, ulong Count)> Points { get; } =
        metric.Message(9) is { } histogram ? [.. histogram.Messages(1).Select(static p => (p.Attributes(9), p.Double(5), p.Number(4)))]
        : [.. (metric.Message(7) ?? metric.Message(5))!.Messages(1).Select(static p => (p.Attributes(7), p.Has(4) ? p.Double(4) : (long)p.Number(6), 1UL))];

    /// <summary>The sum of all points that have these attributes.</summary>
    public double Sum(params (string Name, object Value)[] attributes) => With(attributes).Sum(static p => p.Sum);

    /// <summary>How many measurements they are made of.</summary>
    public ulong Count(params (string Name, object Value)[] attributes) => With(attributes).Aggregate(0UL, static (sum, p) => sum + p.Count);

    private IEnumerable<(Dictionary<string, object> Attributes, double Sum, ulong Count)> With((string Name, object Value)[] attributes) =>
        Points.Where(p => Array.TrueForAll(attributes, a => p.Attributes.TryGetValue(a.Name, out var value) && Equals(value, a.Value)));
}
