using Microsoft.AspNetCore.Http.Features;
using MlxGateway.Inference.Tracing;
using Yarp.ReverseProxy.Forwarder;

namespace MlxGateway.Inference;

/// <summary>Adjusts what goes to a runner, and keeps what it said before its body for whoever must judge the answer. Its response headers go no further: the client's response has its own.</summary>
internal sealed class RunnerTransformer : HttpTransformer
{
    /// <inheritdoc/>
    public override async ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        var attempt = httpContext.Features.GetRequiredFeature<ForwardAttempt>();
        attempt.Request = proxyRequest;
        RequestSpans.Propagate(proxyRequest);
        if (attempt.ClosesConnection)
        {
            proxyRequest.Headers.ConnectionClose = true;
        }
    }

    /// <inheritdoc/>
    public override ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is not null)
        {
            // Read as text: parsed, a content type costs more than the whole rest of this method.
            var content = proxyResponse.Content.Headers;
            var type = content.NonValidated.TryGetValues("Content-Type", out var types) ? types.ToString() : null;
            var delimited = content.ContentLength is not null || proxyResponse.Headers.TransferEncodingChunked == true;
            httpContext.Features.GetRequiredFeature<ForwardAttempt>().Response.Head =
                new RunnerResponseHead((int)proxyResponse.StatusCode, type, content.ContentLength, delimited);
        }

        return ValueTask.FromResult(proxyResponse is not null);
    }
}

/// <summary>One attempt to forward a request. Travels with the inner exchange.</summary>
/// <param name="response">Takes the runner's body.</param>
/// <param name="closesConnection">Whether the connection must not be used again.</param>
internal sealed class ForwardAttempt(RunnerResponse response, bool closesConnection)
{
    /// <summary>Takes the runner's body.</summary>
    public RunnerResponse Response { get; } = response;

    /// <summary>Whether the connection must not be used again.</summary>
    public bool ClosesConnection { get; } = closesConnection;

    /// <summary>The message that was sent; null: it never came to that.</summary>
    public HttpRequestMessage? Request { get; set; }
}
