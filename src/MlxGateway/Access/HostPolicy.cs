using System.Net;

namespace MlxGateway.Access;

/// <summary>
/// Which names a request may address the gateway by. A page of any site can make a browser send requests to this machine; by rebinding its own name to 127.0.0.1 it could even
/// read the answers. It cannot choose the name that the browser then sends, so only names that are surely this machine's are taken.
/// </summary>
internal sealed class HostPolicy
{
    private readonly HashSet<string> _names;
    private readonly bool _network;

    /// <param name="configured">Further names, from <c>AllowedHosts</c>; <c>*</c> takes every name.</param>
    /// <param name="machine">The name of this machine.</param>
    /// <param name="network">Whether other machines may connect; then it is also addressed by any of its addresses.</param>
    public HostPolicy(IEnumerable<string> configured, string machine, bool network)
    {
        _network = network;
        _names = new HashSet<string>(StringComparer.OrdinalIgnoreCase) { "localhost", "host.docker.internal", "host.containers.internal", machine, $"{machine}.local" };
        _names.UnionWith(configured);
    }

    /// <summary>Whether a request that names this host is meant for the gateway.</summary>
    /// <param name="host">The <c>Host</c> header without its port; empty where the client speaks HTTP/1.0, which no browser does.</param>
    public bool Allows(string host) => host.Length == 0 || _names.Contains("*") || IsOurs(host);

    /// <summary>Whether this name is surely this machine's. That every name is taken for the gateway's makes nobody's pages our own.</summary>
    /// <param name="host">The name, without a port.</param>
    public bool IsOurs(string host)
    {
        var name = host.EndsWith('.') ? host[..^1] : host;
        if (_names.Contains(name) || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        // An address cannot be rebound. A name without a dot is resolved by the local network alone, as in a compose file.
        return IPAddress.TryParse(name.AsSpan().Trim("[]"), out var address) ? _network || IPAddress.IsLoopback(address) : _network && !name.Contains('.', StringComparison.Ordinal);
    }
}
