namespace MlxGateway.Inference.Ports;

/// <summary>What can be asked for on a model's port: what a server of one model offers, and nothing of what the gateway offers beside it.</summary>
internal sealed class PortGate(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (ModelPort.Of(context) is not { } port)
        {
            return next(context);
        }

        if (port.IsClosed)
        {
            context.Response.Headers.Connection = "close";
            return ErrorWriter.WriteAsync(context, new GatewayError(StatusCodes.Status404NotFound, "not_found", $"Nothing is served on port {port.Number} any more."));
        }

        return IsOfOneModel(context)
            ? next(context)
            : ErrorWriter.WriteAsync(context, new GatewayError(
                StatusCodes.Status404NotFound, "not_found", $"{context.Request.Method} {context.Request.Path} is not served on port {port.Number}, which is for the model '{port.ModelId}' alone. Ask the gateway itself."));
    }

    // A path that names a model has no meaning where there is only one.
    private static bool IsOfOneModel(HttpContext context) => context.GetEndpoint() is { } endpoint
        && (endpoint.Metadata.GetMetadata<InferenceRoute>() is { Form: not RequestForm.Path } || context.Request.Path.StartsWithSegments("/v1/models") || context.Request.Path == "/health");
}
