namespace MlxGateway.Inference;

/// <summary>Reads what a client sent, whatever form it has, into an <see cref="InferenceRequest"/>.</summary>
internal static class RequestReader
{
    /// <summary>Reads and checks the request. Exactly one of the two results is there.</summary>
    /// <exception cref="BadHttpRequestException">The body ended before its announced length, or is no HTTP.</exception>
    public static async ValueTask<(InferenceRequest? Request, GatewayError? Error)> ReadAsync(HttpRequest http, InferenceRoute route, LimitOptions limits, CancellationToken cancellationToken)
    {
        if (http.Headers.ContentEncoding.Count > 0)
        {
            return (null, GatewayError.InvalidRequest($"The body has Content-Encoding '{http.Headers.ContentEncoding}'; send it without.") with { Status = StatusCodes.Status415UnsupportedMediaType });
        }

        var body = await PooledBody.ReadAsync(http.Body, http.ContentLength, limits.RequestBody.Bytes, cancellationToken);
        return body is null ? (null, GatewayError.TooLarge(limits.RequestBody.Bytes)) : JsonRequest.Check(route, body);
    }
}
