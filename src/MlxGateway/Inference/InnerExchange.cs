using Microsoft.AspNetCore.Http.Features;

namespace MlxGateway.Inference;

/// <summary>
/// The HTTP exchange that the proxy library sees instead of the client's. It has features of its own and no others: with one that fell through to the client's, the library
/// could change the client's request, complete its response, or reset its connection.
/// </summary>
internal sealed class InnerExchange : IHttpRequestLifetimeFeature
{
    private readonly CancellationToken _clientLeft;

    /// <param name="exchange">The client's exchange; only read.</param>
    /// <param name="body">The body for the runner.</param>
    /// <param name="response">Takes the runner's body.</param>
    public InnerExchange(InferenceExchange exchange, OutgoingBody body, Stream response)
    {
        var client = exchange.Context;
        _clientLeft = exchange.Left;

        // Nothing else of the client's headers: keys, cookies and addresses are nobody's business below.
        IHeaderDictionary headers = new HeaderDictionary(6);
        headers.ContentType = exchange.Request.ContentType;
        headers.ContentLength = body.Length == 0 && exchange.Request.ContentType is null ? null : body.Length;
        headers["x-request-id"] = client.TraceIdentifier;
        if (client.Request.Headers.Accept is { Count: > 0 } accept)
        {
            headers.Accept = accept;
        }

        if (client.Request.Headers.UserAgent is { Count: > 0 } agent)
        {
            headers.UserAgent = agent;
        }

        var features = new FeatureCollection(8);
        features.Set<IHttpRequestFeature>(new HttpRequestFeature { Method = exchange.Request.Method, Scheme = "http", Protocol = HttpProtocol.Http11, Path = exchange.Request.RunnerPath, QueryString = exchange.Request.Query.ToString(), Headers = headers, Body = body });
        features.Set<IHttpRequestBodyDetectionFeature>(body.Length > 0 || exchange.Request.ContentType is not null ? HasBody.Instance : HasBody.None);
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(response));
        features.Set<IHttpRequestLifetimeFeature>(this);
        Context = new DefaultHttpContext(features);
    }

    /// <summary>What the proxy library is given.</summary>
    public DefaultHttpContext Context { get; }

    CancellationToken IHttpRequestLifetimeFeature.RequestAborted { get => _clientLeft; set => throw new NotSupportedException(); }

    // The library's answer to a body that broke off. How the client's response ends then is not its to say.
    void IHttpRequestLifetimeFeature.Abort()
    {
    }

    private sealed class HasBody : IHttpRequestBodyDetectionFeature
    {
        public static readonly HasBody Instance = new() { CanHaveBody = true };

        public static readonly HasBody None = new();

        public bool CanHaveBody { get; private init; }
    }
}
