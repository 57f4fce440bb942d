using System.Net;
using System.Net.NetworkInformation;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>Whether a host of a list is the machine that we are on.</summary>
internal static class ThisMachine
{
    /// <summary>Looks at the machine's name and at the addresses that it has now.</summary>
    public static bool Is(RankHost host) => Is(host, Environment.MachineName, [.. AddressesOf()]);

    /// <summary>By one of its addresses, or by its name; a user before an @ does not matter, nor does <c>.local</c>.</summary>
    /// <param name="host">The host.</param>
    /// <param name="machine">What this machine calls itself.</param>
    /// <param name="addresses">The addresses that it has.</param>
    public static bool Is(RankHost host, string machine, IReadOnlyCollection<IPAddress> addresses)
    {
        var name = host.Name[(host.Name.LastIndexOf('@') + 1)..];
        return string.Equals(Bare(name), "localhost", StringComparison.OrdinalIgnoreCase)
            || string.Equals(Bare(name), Bare(machine), StringComparison.OrdinalIgnoreCase)
            || host.Addresses.Append(name).Any(text => IPAddress.TryParse(text, out var address) && (IPAddress.IsLoopback(address) || addresses.Contains(address)));
    }

    private static string Bare(string name) => name.EndsWith(".local", StringComparison.OrdinalIgnoreCase) ? name[..^".local".Length] : name;

    private static IEnumerable<IPAddress> AddressesOf()
    {
        try
        {
            return [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(one => one.GetIPProperties().UnicastAddresses).Select(one => one.Address)];
        }
        catch (NetworkInformationException)
        {
            return []; // its name must do
        }
    }
}
