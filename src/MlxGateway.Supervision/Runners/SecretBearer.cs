using System.Net.Http.Headers;

namespace MlxGateway.Supervision.Runners;

/// <summary>Says a launch's secret with every request to it. Nothing of a client's own comes in its place: whose key reached the gateway is none of the runner's business.</summary>
internal sealed class SecretBearer(string secret, HttpMessageHandler connections) : DelegatingHandler(connections)
{
    // Parsed once: it is the same for each request.
    private readonly AuthenticationHeaderValue _authorization = new("Bearer", secret);

    /// <inheritdoc/>
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.Authorization = _authorization;
        return base.SendAsync(request, cancellationToken);
    }
}
