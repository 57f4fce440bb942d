namespace MlxGateway.Access;

/// <summary>
/// Answers the question that Chromium asks before a public page may reach this machine (https://wicg.github.io/private-network-access/). Only what is allowed by its origin
/// is answered: without the other headers this one means nothing.
/// </summary>
internal sealed class PrivateNetworkAccess(RequestDelegate next, OriginPolicy origins)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Request.Headers.ContainsKey("Access-Control-Request-Private-Network") && origins.Allows(context.Request.Headers.Origin.ToString()))
        {
            context.Response.Headers["Access-Control-Allow-Private-Network"] = "true";
        }

        return next(context);
    }
}
