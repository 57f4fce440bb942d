using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace MlxGateway.Mcp.Tools;

/// <summary>Looks at a port that is not this gateway's.</summary>
internal sealed class PortProbe(TimeProvider time) : IDisposable
{
    private const int LongestAnswer = 1 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // Straight to this machine: no proxy, no redirect to elsewhere.
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false }) { Timeout = Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = LongestAnswer };

    /// <summary>Whether anything listens there, and the models that it lists; null: it lists none in the way of OpenAI.</summary>
    public async Task<(bool Listens, IReadOnlyList<string>? Models)> LookAsync(int port, CancellationToken cancellationToken)
    {
        // Some programs listen on one of them alone.
        var address = await ListensAsync(IPAddress.Loopback, port, cancellationToken) ? IPAddress.Loopback
            : await ListensAsync(IPAddress.IPv6Loopback, port, cancellationToken) ? IPAddress.IPv6Loopback
            : null;
        if (address is null)
        {
            return (false, null);
        }

        using var late = new CancellationTokenSource(Patience, time);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            var answer = await _client.GetByteArrayAsync(new UriBuilder(Uri.UriSchemeHttp, address.ToString(), port, "v1/models").Uri, enough.Token);
            using var json = JsonDocument.Parse(answer);
            return (true, [.. json.RootElement.GetProperty("data").EnumerateArray().Select(static m => m.GetProperty("id").GetString()).OfType<string>()]);
        }
        catch (Exception other) when (!cancellationToken.IsCancellationRequested && other is HttpRequestException or OperationCanceledException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return (true, null);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task<bool> ListensAsync(IPAddress address, int port, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(Patience, time);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(new IPEndPoint(address, port), enough.Token);
            return true;
        }
        catch (Exception nobody) when (!cancellationToken.IsCancellationRequested && nobody is SocketException or OperationCanceledException)
        {
            return false;
        }
    }
}
