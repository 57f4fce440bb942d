using MlxGateway.Inference.Bodies;

namespace MlxGateway.Inference;

/// <summary>Reads what a client sent, whatever form it has, into an <see cref="InferenceRequest"/>.</summary>
internal static class RequestReader
{
    /// <summary>The same, with large uploads in the folder for temporary files.</summary>
    public static ValueTask<(InferenceRequest? Request, GatewayError? Error)> ReadAsync(HttpRequest http, InferenceRoute route, LimitOptions limits, CancellationToken cancellationToken) =>
        ReadAsync(http, route, limits, Path.GetTempPath(), cancellationToken);

    /// <summary>Reads and checks the request. Exactly one of the two results is there. With an error some of the body may be unread.</summary>
    /// <param name="http">The client's request.</param>
    /// <param name="route">The route that it came by.</param>
    /// <param name="limits">How long it may be.</param>
    /// <param name="uploads">The folder for uploads that are too large for memory.</param>
    /// <param name="cancellationToken">The client has left.</param>
    /// <exception cref="BadHttpRequestException">The body ended before its announced length, is no HTTP, or is not what its encoding says.</exception>
    public static async ValueTask<(InferenceRequest? Request, GatewayError? Error)> ReadAsync(HttpRequest http, InferenceRoute route, LimitOptions limits, string uploads, CancellationToken cancellationToken)
    {
        if (route.Form == RequestForm.Query)
        {
            return QueryRequest.Read(http, route);
        }

        var isForm = route.Form == RequestForm.Upload && Boundary.IsForm(http.ContentType);
        var (limit, name) = isForm || route.Form == RequestForm.Path ? (limits.Upload.Bytes, nameof(LimitOptions.Upload)) : (limits.RequestBody.Bytes, nameof(LimitOptions.RequestBody));
        if (http.ContentLength > limit)
        {
            return (null, GatewayError.TooLarge(limit, name));
        }

        var (source, expected) = (http.Body, http.ContentLength);
        if (http.Headers.ContentEncoding.Count > 0)
        {
            var (decoded, unknown) = ContentCodings.Decode(http.Body, http.Headers.ContentEncoding, limit);
            if (unknown is not null)
            {
                return (null, unknown);
            }

            (source, expected) = (decoded!, null);
        }

        try
        {
            if (route.Form == RequestForm.Path)
            {
                return await UpstreamRequest.ReadAsync(http, source, route, limits, uploads, cancellationToken);
            }

            if (isForm)
            {
                return await MultipartRequest.ReadAsync(source, http.ContentType!, route, limits, uploads, cancellationToken);
            }

            var body = await PooledBody.ReadAsync(source, expected, limit, cancellationToken);
            return body is null ? (null, GatewayError.TooLarge(limit, name)) : JsonRequest.Check(route, body);
        }
        catch (SpillException full)
        {
            return (null, new GatewayError(StatusCodes.Status507InsufficientStorage, "upload_not_kept", $"The upload could not be written to disk: {full.Message}"));
        }
        finally
        {
            if (source != http.Body)
            {
                await source.DisposeAsync();
            }
        }
    }
}
