using MlxGateway.Inference;

namespace MlxGateway.Access;

/// <summary>Which scope a request needs. Whatever is not named here is safe by its method: what only looks needs <c>read</c>, everything else <c>admin</c>.</summary>
internal static class ScopeRule
{
    /// <summary>Any of these will do; <see cref="Scopes.None"/>: no key is needed.</summary>
    public static Scopes For(HttpContext context)
    {
        // A slash at the end leads to the same route.
        var (request, path) = (context.Request, new PathString(context.Request.Path.Value is { Length: > 1 } given ? given.TrimEnd('/') : context.Request.Path.Value));
        // Whoever watches over the process has no key and learns nothing but that it lives; a browser cannot send one for the page that describes the API, which is the same everywhere.
        if (path == "/health" || path == "" || path == "/" || path.StartsWithSegments("/swagger"))
        {
            return Scopes.None;
        }

        if (context.GetEndpoint()?.Metadata.GetMetadata<InferenceRoute>() is not null)
        {
            return Scopes.Inference;
        }

        // The list of models, as OpenAI and as llama.cpp's router show it.
        if (path.StartsWithSegments("/v1/models") || (path == "/models" && HttpMethods.IsGet(request.Method)))
        {
            return Scopes.Inference | Scopes.Read;
        }

        // Whoever may look may ask; each tool that steers looks at the caller itself.
        if (path == "/mcp")
        {
            return Scopes.Read;
        }

        // Its own ones; the room that calls them off looks whose they are.
        if (path.StartsWithSegments("/api/requests") && path.Value!.EndsWith("/cancel", StringComparison.Ordinal))
        {
            return Scopes.Inference | SteerOnly;
        }

        var looksOnly = (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)) && context.GetEndpoint()?.Metadata.GetMetadata<ChangesState>() is null;
        return looksOnly ? Scopes.Read : SteerOnly;
    }

    /// <summary>The part of <see cref="Scopes.Admin"/> that is not <see cref="Scopes.Read"/>.</summary>
    public const Scopes SteerOnly = Scopes.Admin & ~Scopes.Read;
}
