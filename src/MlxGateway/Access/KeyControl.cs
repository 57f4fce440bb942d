using MlxGateway.Inference;

namespace MlxGateway.Access;

/// <summary>Lets in who has a key that is good for what is asked, and as often as the key may. Where no key is configured, everybody.</summary>
internal sealed class KeyControl(RequestDelegate next, KeyRing keys)
{
    private const string Bearer = "Bearer ";

    public Task InvokeAsync(HttpContext context) => keys.IsEmpty ? next(context) : CheckAsync(context);

    private async Task CheckAsync(HttpContext context)
    {
        var needed = ScopeRule.For(context);
        if (needed == Scopes.None)
        {
            await next(context);
            return;
        }

        var sent = KeyOf(context.Request.Headers);
        if (sent is null || keys.Find(sent) is not { } key)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
            await ErrorWriter.WriteAsync(context, new GatewayError(StatusCodes.Status401Unauthorized, "invalid_api_key", sent is null
                ? "An API key is needed here: send it as 'Authorization: Bearer KEY' or as 'x-api-key: KEY'."
                : "The API key that was sent is not one of this gateway's."));
            return;
        }

        if ((key.Scopes & needed) == 0)
        {
            await ErrorWriter.WriteAsync(context, new GatewayError(StatusCodes.Status403Forbidden, "insufficient_scope", $"The key '{key.Name}' may not do this; it needs the scope {Names(needed)}."));
            return;
        }

        context.Features.Set<ICaller>(key);
        if (needed != Scopes.Inference)
        {
            await next(context);
            return;
        }

        var (place, error) = key.Enter();
        using (place)
        {
            await (error is null ? next(context) : ErrorWriter.WriteAsync(context, error));
        }
    }

    // Some clients send both, and mean the same key by them.
    private static string? KeyOf(IHeaderDictionary headers) =>
        headers.Authorization is [{ } authorization] && authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? authorization[Bearer.Length..].Trim()
        : headers["x-api-key"] is [{ } key] ? key.Trim()
        : null;

    private static string Names(Scopes needed) => string.Join(" or ", ScopeNames.All.Where(name => (ScopeNames.Parse(name) & needed) != 0 && (name != ScopeNames.Admin || (needed & Scopes.Read) == 0)));
}
