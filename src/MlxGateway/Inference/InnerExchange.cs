using Microsoft.AspNetCore.Http.Features;

namespace MlxGateway.Inference;

/// <summary>
/// The HTTP exchange that the proxy library sees instead of the client's. It has features of its own and no others: with one that fell through to the client's, the library
/// could change the client's request, complete its response, or reset its connection.
/// </summary>
internal sealed class InnerExchange : IHttpRequestLifetimeFeature
{
    private readonly CancellationTokenSource _aborted;

    /// <param name="client">The client's exchange; only read.</param>
    /// <param name="path">The path at the runner.</param>
    /// <param name="body">The body for the runner.</param>
    /// <param name="response">Takes the runner's body.</param>
    /// <param name="aborted">Ends the exchange.</param>
    public InnerExchange(HttpContext client, string path, SplicedStream body, Stream response, CancellationTokenSource aborted)
    {
        _aborted = aborted;
        // Nothing else of the client's headers: keys, cookies and addresses are nobody's business below.
        IHeaderDictionary headers = new HeaderDictionary();
        headers.ContentType = "application/json";
        headers.ContentLength = body.Length;
        headers["x-request-id"] = client.TraceIdentifier;
        if (client.Request.Headers.Accept is { Count: > 0 } accept)
        {
            headers.Accept = accept;
        }

        if (client.Request.Headers.UserAgent is { Count: > 0 } agent)
        {
            headers.UserAgent = agent;
        }

        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature { Method = HttpMethods.Post, Scheme = "http", Protocol = HttpProtocol.Http11, Path = path, Headers = headers, Body = body });
        features.Set<IHttpRequestBodyDetectionFeature>(HasBody.Instance);
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(response));
        features.Set<IHttpRequestLifetimeFeature>(this);
        Context = new DefaultHttpContext(features);
    }

    /// <summary>What the proxy library is given.</summary>
    public DefaultHttpContext Context { get; }

    CancellationToken IHttpRequestLifetimeFeature.RequestAborted { get => _aborted.Token; set => throw new NotSupportedException(); }

    void IHttpRequestLifetimeFeature.Abort() => _aborted.Cancel();

    private sealed class HasBody : IHttpRequestBodyDetectionFeature
    {
        public static readonly HasBody Instance = new();

        public bool CanHaveBody => true;
    }
}
