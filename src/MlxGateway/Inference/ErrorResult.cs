namespace MlxGateway.Inference;

/// <summary>An endpoint's answer that is an error.</summary>
internal sealed class ErrorResult(GatewayError error) : IResult
{
    /// <inheritdoc/>
    public Task ExecuteAsync(HttpContext httpContext) => ErrorWriter.WriteAsync(httpContext, error);
}
