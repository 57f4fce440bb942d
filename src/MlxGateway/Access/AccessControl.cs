using MlxGateway.Inference;

namespace MlxGateway.Access;

/// <summary>Refuses requests that a foreign web page makes a browser send.</summary>
internal sealed class AccessControl(RequestDelegate next, HostPolicy hosts, OriginPolicy origins)
{
    private string? _lastAllowed;

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        // Nearly every request names the same one.
        var host = request.Headers.Host.ToString();
        if (host != Volatile.Read(ref _lastAllowed) && !TryAllow(host, request.Host.Host ?? ""))
        {
            return ErrorWriter.WriteAsync(context, new GatewayError(
                StatusCodes.Status403Forbidden, "forbidden_host", $"Requests for the host '{request.Host.Host}' are not served here. Use localhost, or add the name to AllowedHosts."));
        }

        // What reaches a runner may load one and push another out, whatever the method: a page needs no answer for that, an image's address is enough.
        var safe = (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method))
            && context.GetEndpoint()?.Metadata is var route && route?.GetMetadata<InferenceRoute>() is null && route?.GetMetadata<ChangesState>() is null;
        if (!safe && !AllowsSender(request))
        {
            return ErrorWriter.WriteAsync(context, new GatewayError(
                StatusCodes.Status403Forbidden, "forbidden_origin", $"Web pages of '{request.Headers.Origin}' may not use this gateway. Add the origin to MlxGateway:Access:AllowedOrigins if they are meant to."));
        }

        return next(context);
    }

    private bool TryAllow(string header, string host)
    {
        var allowed = hosts.Allows(host);
        if (allowed)
        {
            Volatile.Write(ref _lastAllowed, header);
        }

        return allowed;
    }

    // Browsers send Origin with every request that may change something; programs do not send it at all.
    private bool AllowsSender(HttpRequest request) => request.Headers.Origin.Count > 0
        ? request.Headers.Origin.All(origin => origin is not null && origins.Allows(origin))
        : request.Headers["Sec-Fetch-Site"] != "cross-site";
}
