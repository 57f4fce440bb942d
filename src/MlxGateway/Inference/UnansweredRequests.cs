namespace MlxGateway.Inference;

/// <summary>Sees to it that every answer has a body of the one error shape, also where no endpoint wrote one: unknown routes, wrong methods, and faults of the gateway's own.</summary>
internal sealed partial class UnansweredRequests(RequestDelegate next, ILogger<UnansweredRequests> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (UnfinishedResponseException)
        {
            throw; // the server's to end
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return;
        }
        catch (BadHttpRequestException bad) when (!context.Response.HasStarted)
        {
            await ErrorWriter.WriteAsync(context, HttpFailures.From(bad));
            return;
        }
        catch (Exception fault)
        {
            Log.Fault(logger, context.TraceIdentifier, fault);
            if (context.Response.HasStarted)
            {
                throw new UnfinishedResponseException();
            }

            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
        }

        if (context.Response is { HasStarted: false, StatusCode: >= 400, ContentLength: null, ContentType: null })
        {
            await ErrorWriter.WriteAsync(context, HttpFailures.From(context));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(4001, LogLevel.Error, "Request {Request} met a fault of the gateway.")]
        public static partial void Fault(ILogger logger, string request, Exception fault);
    }
}
