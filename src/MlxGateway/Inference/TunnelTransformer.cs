using System.Net.Http.Headers;
using MlxGateway.Inference.Tracing;
using Yarp.ReverseProxy.Forwarder;

namespace MlxGateway.Inference;

/// <summary>
/// What passes between client and runner before a WebSocket is open: the handshake itself, and nothing else of the headers of either. Where traces are on the
/// runner is told of the span that it works for. The proxy library adds what belongs to the
/// connection, and gives the client the runner's answer.
/// </summary>
/// <param name="path">The path at the runner.</param>
/// <param name="query">The query that it gets.</param>
internal sealed class TunnelTransformer(string path, QueryString query) : HttpTransformer
{
    private static readonly string[] Handshake = ["Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"];

    /// <inheritdoc/>
    public override ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        proxyRequest.RequestUri = RequestUtilities.MakeDestinationAddress(destinationPrefix, path, query);
        foreach (var name in Handshake)
        {
            if (httpContext.Request.Headers.TryGetValue(name, out var values))
            {
                proxyRequest.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }

        proxyRequest.Headers.TryAddWithoutValidation("x-request-id", httpContext.TraceIdentifier);
        RequestSpans.Propagate(proxyRequest);
        return default;
    }

    /// <inheritdoc/>
    public override ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
        {
            return new(false);
        }

        if ((int)proxyResponse.StatusCode != StatusCodes.Status101SwitchingProtocols)
        {
            // The runner does not speak it here. What it says instead is told by the gateway, in the shape that its clients know.
            httpContext.Features.Set(new TunnelRefusal((int)proxyResponse.StatusCode));
            return new(false);
        }

        foreach (var (name, values) in proxyResponse.Headers.NonValidated)
        {
            if (name.StartsWith("Sec-WebSocket-", StringComparison.OrdinalIgnoreCase) || name.Equals("Upgrade", StringComparison.OrdinalIgnoreCase) || name.Equals("Connection", StringComparison.OrdinalIgnoreCase))
            {
                httpContext.Response.Headers[name] = Values(values);
            }
        }

        return new(true);
    }

    private static string[] Values(HeaderStringValues values) => [.. values];
}

/// <summary>A runner answered a handshake with a status of its own.</summary>
/// <param name="Status">That status.</param>
internal sealed record TunnelRefusal(int Status);
