namespace MlxGateway.Inference;

/// <summary>What the server itself finds wrong with a request, as the client gets it.</summary>
internal static class HttpFailures
{
    public static GatewayError From(BadHttpRequestException bad) => bad.StatusCode switch
    {
        StatusCodes.Status413PayloadTooLarge => new GatewayError(bad.StatusCode, "request_too_large", "The request body is larger than Limits:RequestBody, or for a form Limits:Upload, allows."),
        StatusCodes.Status408RequestTimeout => new GatewayError(bad.StatusCode, "request_timeout", "The request body came too slowly."),
        _ => new GatewayError(bad.StatusCode, "invalid_request", $"The request cannot be read: {bad.Message}"),
    };

    /// <summary>The answer where no endpoint gave one.</summary>
    public static GatewayError From(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => new GatewayError(404, "not_found", $"There is no {context.Request.Method} {context.Request.Path} here. /swagger lists what there is."),
        StatusCodes.Status405MethodNotAllowed => new GatewayError(405, "method_not_allowed", $"{context.Request.Path} does not take {context.Request.Method}, but {context.Response.Headers.Allow}.") { Allow = context.Response.Headers.Allow },
        StatusCodes.Status413PayloadTooLarge => new GatewayError(413, "request_too_large", "The request body is larger than Limits:RequestBody, or for a form Limits:Upload, allows."),
        >= 500 => new GatewayError(context.Response.StatusCode, "internal_error", "The gateway failed to answer. Its log says more under this request's id."),
        var status => new GatewayError(status, "invalid_request", $"The request was refused with status {status}."),
    };
}
