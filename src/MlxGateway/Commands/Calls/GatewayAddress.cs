namespace MlxGateway.Commands.Calls;

/// <summary>Reads where a gateway is.</summary>
internal static class GatewayAddress
{
    /// <summary>Takes <c>http://host:port</c>, and the same without the scheme or with <c>/v1</c> behind it, as clients write it. Null: it is none.</summary>
    public static Uri? Parse(string text)
    {
        var whole = text.Contains("://", StringComparison.Ordinal) ? text.Trim() : "http://" + text.Trim();
        var trimmed = whole.TrimEnd('/');
        trimmed = trimmed.EndsWith("/v1", StringComparison.Ordinal) ? trimmed[..^3] : trimmed;
        return Uri.TryCreate(trimmed.Contains("://", StringComparison.Ordinal) ? trimmed : whole, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" && address!.Host.Length > 0
            ? address
            : null;
    }

    /// <summary>As people write it, without a slash at the end.</summary>
    public static string Shown(Uri address) => address.ToString().TrimEnd('/');

    /// <summary>The id of a model in a path: its slashes are those of the path.</summary>
    public static string PathOf(string id) => string.Join('/', id.Split('/').Select(Uri.EscapeDataString));
}
