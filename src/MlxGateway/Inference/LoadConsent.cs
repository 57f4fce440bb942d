namespace MlxGateway.Inference;

/// <summary>
/// Whether a request may have its model loaded. llama.cpp's router is told by <c>?autoload=false</c> that it may not, on any route, and its pages say so where they only look: a look that loads would send
/// away the model that somebody uses.
/// </summary>
internal static class LoadConsent
{
    private const string Field = "autoload";

    /// <summary>Whether the request says that nothing is to be loaded for it. Anything but <c>true</c> and <c>1</c> says so, as there; saying nothing does not.</summary>
    public static bool IsDeclined(HttpRequest request) =>
        request.QueryString.HasValue && request.Query[Field].FirstOrDefault() is { Length: > 0 } said && said is not ("true" or "1");
}
