using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace MlxGateway.Commands.Calls;

/// <summary>Talks to a gateway. What goes wrong ends the command with a sentence: nobody answers, or the gateway says no.</summary>
internal sealed class GatewayClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http;

    /// <param name="address">Where it is.</param>
    /// <param name="key">The key that it wants; null: none.</param>
    public GatewayClient(Uri address, string? key)
    {
        Address = address;
        _http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = Patience, UseProxy = !address.IsLoopback, UseCookies = false })
        {
            BaseAddress = address,
            Timeout = Timeout.InfiniteTimeSpan, // a load takes as long as it takes
        };
        if (key is not null)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }
    }

    /// <summary>Where it is.</summary>
    public Uri Address { get; }

    /// <summary>Gets a path.</summary>
    public Task<GatewayReply> GetAsync(string path, CancellationToken cancellationToken) => SendAsync(HttpMethod.Get, path, null, cancellationToken);

    /// <summary>Posts to a path.</summary>
    public Task<GatewayReply> PostAsync(string path, string? body, CancellationToken cancellationToken) => SendAsync(HttpMethod.Post, path, body, cancellationToken);

    /// <summary>Sends a request and reads the whole answer.</summary>
    /// <exception cref="CommandFailure">Nobody answered, or it was refused.</exception>
    public async Task<GatewayReply> SendAsync(HttpMethod method, string path, string? body, CancellationToken cancellationToken)
    {
        using var response = await OpenAsync(method, path, body, cancellationToken);
        try
        {
            return new GatewayReply(await response.Content.ReadAsStringAsync(cancellationToken));
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException)
        {
            throw Broken();
        }
    }

    /// <summary>Sends a request and returns as soon as the answer begins.</summary>
    /// <exception cref="CommandFailure">Nobody answered, or it was refused.</exception>
    public async Task<HttpResponseMessage> OpenAsync(HttpMethod method, string path, string? body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException failed)
        {
            throw failed.HttpRequestError is HttpRequestError.ResponseEnded or HttpRequestError.InvalidResponse or HttpRequestError.Unknown ? Broken() : Absent();
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Absent();
        }

        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            throw new CommandFailure(Exits.Refused, Refusal(await response.Content.ReadAsStringAsync(cancellationToken), (int)response.StatusCode));
        }
    }

    /// <summary>The lines of a stream, as they come.</summary>
    public async IAsyncEnumerable<string> LinesAsync(HttpResponseMessage response, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        while (true)
        {
            string? line;
            try
            {
                line = await reader.ReadLineAsync(cancellationToken);
            }
            catch (Exception broken) when (broken is HttpRequestException or IOException)
            {
                throw Broken();
            }

            if (line is null)
            {
                yield break;
            }

            yield return line;
        }
    }

    /// <summary>The gateway's own sentence, where there is one.</summary>
    internal static string Refusal(string body, int status)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            if (document.RootElement.At("error") is { } error && (error.Text("message") ?? (error.ValueKind == JsonValueKind.String ? error.GetString() : null)) is { Length: > 0 } message)
            {
                return message;
            }
        }
        catch (JsonException)
        {
            // Whoever says this is not the gateway.
        }

        return $"The answer was {status} without a word why: what answers there may be no MlxGateway.";
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private CommandFailure Absent() => new(
        Exits.NoGateway,
        $"No gateway answers at {GatewayAddress.Shown(Address)}. {(Address.IsLoopback ? $"Start it with: MlxGateway serve{(Address.Port == 1234 ? "" : $" --port {Address.Port}")}" : "Say where it is with --url.")}");

    private CommandFailure Broken() => new(Exits.NoGateway, $"The connection to {GatewayAddress.Shown(Address)} broke before the answer was whole.");
}
