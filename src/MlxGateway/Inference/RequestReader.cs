using MlxGateway.Inference.Uploads;

namespace MlxGateway.Inference;

/// <summary>Reads what a client sent, whatever form it has, into an <see cref="InferenceRequest"/>.</summary>
internal static class RequestReader
{
    /// <summary>Reads and checks the request. Exactly one of the two results is there.</summary>
    /// <exception cref="BadHttpRequestException">The body ended before its announced length, or is no HTTP.</exception>
    public static async ValueTask<(InferenceRequest? Request, GatewayError? Error)> ReadAsync(HttpRequest http, InferenceRoute route, LimitOptions limits, CancellationToken cancellationToken)
    {
        if (route.Form == RequestForm.Query)
        {
            return QueryRequest.Read(http, route);
        }

        var encodings = http.Headers.ContentEncoding;
        if (encodings.Count == 0)
        {
            return await ReadAsync(http, http.Body, http.ContentLength, route, limits, cancellationToken);
        }

        if (ContentDecoding.TryOpen(http.Body, encodings, out var unknown) is not { } decoded)
        {
            return (null, GatewayError.InvalidRequest($"The body has the Content-Encoding '{unknown}'; known are {ContentDecoding.Known}.") with { Status = StatusCodes.Status415UnsupportedMediaType });
        }

        await using (decoded)
        {
            try
            {
                return await ReadAsync(http, decoded, null, route, limits, cancellationToken);
            }
            catch (Exception broken) when (ContentDecoding.IsBroken(broken))
            {
                return (null, GatewayError.InvalidRequest($"The body is not what its Content-Encoding '{encodings}' says: {broken.Message}"));
            }
        }
    }

    private static async ValueTask<(InferenceRequest? Request, GatewayError? Error)> ReadAsync(HttpRequest http, Stream source, long? length, InferenceRoute route, LimitOptions limits, CancellationToken cancellationToken)
    {
        if (route.Form == RequestForm.Path)
        {
            return await UpstreamRequest.ReadAsync(http, source, length, route, limits, cancellationToken);
        }

        if (route.Form == RequestForm.Upload && MultipartRequest.IsForm(http.ContentType))
        {
            return await MultipartRequest.ReadAsync(http.ContentType!, source, length, route, limits, cancellationToken);
        }

        var body = await PooledBody.ReadAsync(source, length, limits.RequestBody.Bytes, cancellationToken);
        return body is null ? (null, GatewayError.TooLarge(limits.RequestBody, "Limits:RequestBody")) : JsonRequest.Check(route, body);
    }
}
