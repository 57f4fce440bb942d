using System.Globalization;
using System.Net;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Hosting;

/// <summary>One address that the gateway listens on.</summary>
/// <param name="Address">The address.</param>
/// <param name="Port">The port; 0: any free one.</param>
/// <param name="IsTls">Whether connections are encrypted.</param>
/// <param name="IsOptional">Whether the gateway also starts without it: [::1] on a machine that has no IPv6.</param>
internal sealed record ListenAddress(IPAddress Address, int Port, bool IsTls, bool IsOptional)
{
    private const string Default = "http://127.0.0.1:1234";

    /// <summary>Whether only this machine can reach it.</summary>
    public bool IsLoopback => IPAddress.IsLoopback(Address);

    /// <summary>Reads <c>Urls</c> (several are separated by semicolons) and <c>--port</c>, which replaces the port of each. A loopback address stands for both 127.0.0.1 and [::1], because some clients take <c>localhost</c> for one and some for the other.</summary>
    public static IReadOnlyList<ListenAddress> Read(string? urls, string? port, bool allowsNetwork, SettingsErrors errors)
    {
        int? chosen = null;
        if (port is not null)
        {
            if (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number > ushort.MaxValue)
            {
                errors.Add("--port", $"\"{port}\" is not a port; write a number from 1 to 65535, or 0 for any free one.");
                return [];
            }

            chosen = number;
        }

        var addresses = new List<ListenAddress>();
        foreach (var url in (string.IsNullOrWhiteSpace(urls) ? Default : urls).Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            addresses.AddRange(ReadOne(url, chosen, errors));
        }

        if (addresses.Count == 0 && !errors.Any)
        {
            errors.Add("Urls", $"\"{urls}\" names no address to listen on; write for example \"{Default}\".");
        }

        if (!allowsNetwork && addresses.Find(a => !a.IsLoopback) is { } open)
        {
            errors.Add("Urls", OpenToAll(open.Address.ToString()));
        }

        return [.. addresses.Distinct()];
    }

    /// <summary>Reads whom the server's own endpoints (<c>Kestrel:Endpoints</c>) can be reached by; the server listens on them beside <c>Urls</c>, and reads the rest of what is said of them itself.</summary>
    /// <returns>Their addresses; none for a socket in the file system.</returns>
    public static IReadOnlyList<ListenAddress> ReadEndpoints(IConfiguration kestrel, bool allowsNetwork, SettingsErrors errors)
    {
        var addresses = new List<ListenAddress>();
        foreach (var endpoint in kestrel.GetSection("Endpoints").GetChildren())
        {
            var key = $"Kestrel:Endpoints:{endpoint.Key}:Url";
            if (Parse(endpoint["Url"]) is not { } url)
            {
                errors.Add(key, $"\"{endpoint["Url"]}\" is not an address to listen on; write for example \"https://127.0.0.1:1235\".");
                continue;
            }

            if (url.IsUnixPipe)
            {
                continue;
            }

            // Every other name means all addresses to the server.
            var address = url.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) ? IPAddress.Loopback : IPAddress.TryParse(url.Host, out var written) ? written : IPAddress.IPv6Any;
            if (!allowsNetwork && !IPAddress.IsLoopback(address))
            {
                errors.Add(key, OpenToAll(url.Host));
            }

            addresses.Add(new(address, url.Port, url.Scheme.Equals("https", StringComparison.OrdinalIgnoreCase), false));
        }

        return addresses;
    }

    private static string OpenToAll(string address) =>
        $"{address} can be reached by other machines, and everybody there could use every model without a key. Listen on 127.0.0.1, give out keys (MlxGateway:Access:Keys), or set MlxGateway:Access:AllowAnonymousNetwork to true if that is what you want.";

    private static BindingAddress? Parse(string? url)
    {
        try
        {
            return BindingAddress.Parse(url ?? "") is { PathBase: "" } address && (address.Scheme.ToLowerInvariant() is "http" or "https") ? address : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static IEnumerable<ListenAddress> ReadOne(string url, int? port, SettingsErrors errors)
    {
        var parsable = url.Replace("://*", "://0.0.0.0", StringComparison.Ordinal).Replace("://+", "://0.0.0.0", StringComparison.Ordinal);
        if (!Uri.TryCreate(parsable, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.AbsolutePath != "/")
        {
            errors.Add("Urls", $"\"{url}\" is not an address to listen on; write for example \"{Default}\".");
            return [];
        }

        var at = port ?? uri.Port;
        var tls = uri.Scheme == "https";
        if (uri.Host is "localhost" || (IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address)))
        {
            // Two sockets cannot ask for the same free port, so then one address must do.
            return at == 0
                ? [new(IPAddress.Loopback, 0, tls, false)]
                : [new(IPAddress.Loopback, at, tls, false), new(IPAddress.IPv6Loopback, at, tls, true)];
        }

        if (address is null)
        {
            errors.Add("Urls", $"\"{uri.Host}\" is not an address of this machine; write an IP address, localhost, or * for all.");
            return [];
        }

        // All of IPv4 means all of both, as everywhere in this framework.
        return [new(address.Equals(IPAddress.Any) && System.Net.Sockets.Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : address, at, tls, false)];
    }
}
