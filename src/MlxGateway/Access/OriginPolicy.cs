using MlxGateway.Supervision.Settings;

namespace MlxGateway.Access;

/// <summary>
/// Which web pages may use the gateway and read its answers. A page is known by its origin, which the browser writes and the page cannot change. Pages of this machine may;
/// others have to be named in <c>Access:AllowedOrigins</c>.
/// </summary>
internal sealed class OriginPolicy
{
    private const string Every = "*";
    private const string AnySubdomain = "*.";

    private readonly HostPolicy _hosts;
    private readonly HashSet<string> _origins = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<(string Scheme, string Suffix)> _families = [];

    /// <param name="hosts">Which names are this machine's.</param>
    /// <param name="allowed">Further origins; see <see cref="AccessOptions.AllowedOrigins"/>. What <see cref="Check"/> finds wrong is passed over.</param>
    public OriginPolicy(HostPolicy hosts, IEnumerable<string> allowed)
    {
        _hosts = hosts;
        foreach (var origin in allowed)
        {
            var (scheme, authority) = Part(origin);
            if (scheme.Length > 0 && authority.StartsWith('*'))
            {
                _families.Add(($"{scheme}://", authority[1..]));
            }
            else
            {
                _origins.Add(origin.TrimEnd('/'));
            }
        }
    }

    /// <summary>Whether a page of this origin may use the gateway.</summary>
    /// <param name="origin">The <c>Origin</c> header: <c>https://chat.example.org</c>, with the port if it is not the scheme's own; <c>null</c> for a page without one, as a file.</param>
    public bool Allows(string origin) =>
        (Uri.TryCreate(origin, UriKind.Absolute, out var page) && page.Scheme is "http" or "https" && page.Host.Length > 0 && _hosts.IsOurs(page.Host))
        || (origin.Length > 0 && (_origins.Contains(origin) || _origins.Contains(Every)))
        || _families.Exists(f => IsOf(f, origin));

    /// <summary>Finds entries that no browser would ever send.</summary>
    public static void Check(IReadOnlyList<string> allowed, SettingsErrors errors)
    {
        for (var i = 0; i < allowed.Count; i++)
        {
            var (scheme, authority) = Part(allowed[i]);
            authority = authority.TrimEnd('/');
            var isOrigin = allowed[i] is Every or "null"
                || (scheme.Length > 0 && authority is not "" && !authority.Contains('/', StringComparison.Ordinal) && !authority.TrimStart('*').Contains('*', StringComparison.Ordinal)
                    && (authority is Every || !authority.StartsWith('*') || authority.StartsWith(AnySubdomain, StringComparison.Ordinal)));
            if (!isOrigin)
            {
                errors.Add($"MlxGateway:Access:AllowedOrigins:{i}", $"\"{allowed[i]}\" is not the origin of a page; write for example \"https://chat.example.org\", \"https://*.example.org\", \"vscode-webview://*\", or \"*\" for every page.");
            }
        }
    }

    // A name below the suffix, and never the suffix within another one: https://evil.com/.example.org is no origin.
    private static bool IsOf((string Scheme, string Suffix) family, string origin) =>
        origin.StartsWith(family.Scheme, StringComparison.OrdinalIgnoreCase)
        && origin.Length > family.Scheme.Length + family.Suffix.Length
        && origin.EndsWith(family.Suffix, StringComparison.OrdinalIgnoreCase)
        && !origin.AsSpan(family.Scheme.Length).ContainsAny("/@?#");

    private static (string Scheme, string Authority) Part(string origin)
    {
        var at = origin.IndexOf("://", StringComparison.Ordinal);
        return at < 0 ? ("", origin) : (origin[..at], origin[(at + 3)..]);
    }
}
