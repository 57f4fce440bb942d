using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace MlxGateway.Supervision.Downloads;

/// <summary>Asks the Hub for models by its own search.</summary>
internal sealed class HubSearch : IModelHub, IDisposable
{
    private const int Largest = 32 << 20;
    private static readonly string Wanted = string.Concat(new[] { "downloads", "likes", "pipeline_tag", "tags", "siblings", "safetensors", "gguf" }.Select(name => $"&expand[]={name}"));

    private readonly HubAccess _hub;
    private readonly HubFit _fit;
    private readonly DownloadOptions _options;
    private readonly TimeProvider _time;
    private readonly HttpClient _client;

    public HubSearch(HubAccess hub, HubFit fit, DownloadOptions options, TimeProvider time)
    {
        (_hub, _fit, _options, _time) = (hub, fit, options, time);

        // One that is sent elsewhere would take the token along.
        _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(2), AutomaticDecompression = DecompressionMethods.All })
        {
            MaxResponseContentBufferSize = Largest,
            Timeout = Timeout.InfiniteTimeSpan, // there is one of our own
        };
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<HubModel>> SearchAsync(string text, int limit, CancellationToken cancellationToken)
    {
        using var bound = new CancellationTokenSource(_options.SearchTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(bound.Token, cancellationToken);
        try
        {
            return _fit.Judge(await AskAsync(text, Math.Clamp(limit, 1, 100), either.Token));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new HubException("hub_unreachable", string.Create(CultureInfo.InvariantCulture, $"The Hub at {_hub.Endpoint} did not answer within {_options.SearchTimeout.TotalSeconds:0.#} s."));
        }
        catch (Exception broken) when (broken is HttpRequestException or IOException or JsonException or UriFormatException)
        {
            throw new HubException("hub_unreachable", _hub.Clean($"The Hub at {_hub.Endpoint} could not be asked: {broken.GetBaseException().Message}"));
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task<List<HubEntry>> AskAsync(string text, int limit, CancellationToken cancellationToken)
    {
        var query = string.Create(CultureInfo.InvariantCulture, $"{_hub.Endpoint}/api/models?search={Uri.EscapeDataString(text)}&sort=downloads&direction=-1&limit={limit}{Wanted}");
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(query));
        request.Headers.UserAgent.ParseAdd("MlxGateway");
        if (_hub.Token is { } token)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        using var response = await _client.SendAsync(request, HttpCompletionOption.ResponseContentRead, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
                ? new HubException("hub_forbidden", $"The Hub at {_hub.Endpoint} does not take the gateway's token (HTTP {(int)response.StatusCode}). Start it with another HF_TOKEN, or without one.")
                : new HubException("hub_unreachable", $"The Hub at {_hub.Endpoint} answered HTTP {(int)response.StatusCode} to a search.");
        }

        return await JsonSerializer.DeserializeAsync(await response.Content.ReadAsStreamAsync(cancellationToken), HubJson.Default.ListHubEntry, cancellationToken) ?? [];
    }
}
