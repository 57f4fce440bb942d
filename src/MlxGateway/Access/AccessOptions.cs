namespace MlxGateway.Access;

/// <summary><c>MlxGateway:Access</c>: who may use the gateway.</summary>
public sealed class AccessOptions
{
    /// <summary>Whether an address other than loopback may be listened on without keys. Whoever can reach it can then use every model.</summary>
    public bool AllowAnonymousNetwork { get; set; }

    /// <summary>Keys, by a name for each. With none, whoever reaches the gateway may use it; with any, nobody without one, except for <c>/health</c> and the description of the API.</summary>
    public Dictionary<string, KeyOptions> Keys { get; set; } = new(StringComparer.Ordinal);

    /// <summary>
    /// Origins of web pages, beside those of this machine, that may use the gateway through a browser: <c>https://chat.example.org</c>, every name below one as
    /// <c>https://*.example.org</c>, all of an application as <c>vscode-webview://*</c>, <c>null</c> for files, <c>*</c> for every page there is.
    /// </summary>
    public List<string> AllowedOrigins { get; set; } = [];
}
