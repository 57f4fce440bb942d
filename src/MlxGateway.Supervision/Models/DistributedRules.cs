using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Models;

/// <summary>Turns <c>Distributed</c> of a model into what is launched, and says what is wrong with it. Whether the first host is this machine shows at the launch: networks come and go.</summary>
internal static partial class DistributedRules
{
    /// <summary>What is launched; null: the model is not distributed, or there is a breach of <see cref="Check"/>.</summary>
    /// <param name="model">The model.</param>
    /// <param name="settings">Where paths start.</param>
    /// <param name="missing">A file of hosts may become worse after the settings came into force: why the model cannot be launched then, as a sentence. It must not be launched on this machine alone.</param>
    public static DistributedSpec? SpecOf(ModelOptions model, ModelSettings settings, out string? missing)
    {
        string? first = null;
        var spec = model.Distributed is { } distributed ? SpecOf(distributed, settings, (key, fault) => first ??= $"\"Distributed:{key}\" {fault}") : null;
        missing = first;
        return spec;
    }

    /// <summary>Reports every breach.</summary>
    /// <param name="at">The model's key.</param>
    /// <param name="model">The model.</param>
    /// <param name="kind">Its kind of runner.</param>
    /// <param name="settings">Where paths start.</param>
    /// <param name="errors">Where breaches go.</param>
    public static void Check(string at, ModelOptions model, string? kind, ModelSettings settings, SettingsErrors errors)
    {
        if (model.Distributed is not { } distributed)
        {
            return;
        }

        var section = ConfigurationPath.Combine(at, nameof(ModelOptions.Distributed));
        if (kind is not (null or KindNames.MlxLm))
        {
            errors.Add(section, $"belongs to a runner of the kind \"{KindNames.MlxLm}\", and this model's is \"{kind}\"; leave it out.");
            return;
        }

        if (model.MaxConcurrency > 1)
        {
            errors.Add(ConfigurationPath.Combine(at, nameof(ModelOptions.MaxConcurrency)), "is more than 1, and ranks on several hosts lose step with each other over requests that overlap; leave it out, or write 1.");
        }

        foreach (var name in distributed.Env.Keys.Where(name => !Identifier().IsMatch(name)))
        {
            errors.Add(ConfigurationPath.Combine(section, nameof(DistributedOptions.Env), name), "is no name of an environment variable; write letters, digits and \"_\", with no digit in front.");
        }

        _ = SpecOf(distributed, settings, (key, fault) => errors.Add(ConfigurationPath.Combine(section, key), fault));
    }

    private static DistributedSpec? SpecOf(DistributedOptions options, ModelSettings settings, Action<string, string> report)
    {
        var faults = 0;
        void Fault(string key, string fault)
        {
            faults++;
            report(key, fault);
        }

        if (EntriesOf(options, settings, Fault, out var path, out var fileBackend) is not { } entries)
        {
            return null;
        }

        var key = path is null ? nameof(DistributedOptions.Hosts) : nameof(DistributedOptions.Hostfile);
        var backend = options.Backend ?? fileBackend ?? DistributedBackends.Ring;
        if (!DistributedBackends.All.Contains(backend))
        {
            Fault(options.Backend is null ? key : nameof(DistributedOptions.Backend), $"\"{backend}\" is no backend; known: {string.Join(", ", DistributedBackends.All)}.");
        }

        foreach (var fault in FaultsOf(entries, backend))
        {
            Fault(key, fault);
        }

        return faults > 0 ? null : new DistributedSpec
        {
            Hostfile = path,
            Hosts = ValueList.From(entries.Select(entry => entry.Host)),
            RepeatHosts = options.RepeatHosts,
            Backend = backend,
            Pipeline = options.Pipeline,
            Env = new ValueMap(options.Env),
            StartingPort = options.StartingPort,
            Python = string.IsNullOrWhiteSpace(options.Python) ? null : options.Python,
        };
    }

    private static IReadOnlyList<HostfileEntry>? EntriesOf(DistributedOptions options, ModelSettings settings, Action<string, string> fault, out string? path, out string? backend)
    {
        (path, backend) = (null, null);
        if (options.Hostfile is { Length: > 0 } written)
        {
            if (options.Hosts.Count > 0)
            {
                fault(nameof(DistributedOptions.Hosts), "is there beside \"Hostfile\"; leave out one or the other.");
            }

            if (options.RepeatHosts != 1)
            {
                fault(nameof(DistributedOptions.RepeatHosts), "does not go with \"Hostfile\"; name a host in the file as often as it is to have ranks.");
            }

            path = PathText.Absolute(written, settings);
            string? wrong = "is no path";
            if (path is null || Hostfile.Read(path, out wrong) is not { } file)
            {
                fault(nameof(DistributedOptions.Hostfile), $"{wrong}; write the path of a file that mlx.distributed_config has written.");
                return null;
            }

            backend = file.Backend;
            return file.Hosts;
        }

        if (options.Hosts.Count == 0)
        {
            fault(nameof(DistributedOptions.Hostfile), "is missing; write the path of a file that mlx.distributed_config has written, or \"Hosts\".");
            return null;
        }

        if (options.Hosts.Find(host => string.IsNullOrWhiteSpace(host) || host.Contains(',', StringComparison.Ordinal)) is { } wrongHost)
        {
            fault(nameof(DistributedOptions.Hosts), $"\"{wrongHost}\" is no host; write an address, for example \"192.168.5.1\".");
            return null;
        }

        return [.. options.Hosts.SelectMany(host => Enumerable.Repeat(new HostfileEntry(new RankHost(host, IPAddress.TryParse(host, out _) ? [host] : []), []), options.RepeatHosts))];
    }

    // What the launcher, or a rank, would end over.
    private static IEnumerable<string> FaultsOf(IReadOnlyList<HostfileEntry> entries, string backend)
    {
        if (entries.Count < 2)
        {
            yield return "names one rank only; name a second host, or leave \"Distributed\" out.";
            yield break;
        }

        var hosts = entries.Select(entry => entry.Host).ToList();
        if (backend == DistributedBackends.Ring && hosts.Find(host => host.Addresses.Count == 0) is { } nameless)
        {
            yield return $"has no address for \"{nameless.Name}\", and a ring needs one of each host.";
        }
        else if (backend is DistributedBackends.Jaccl or DistributedBackends.JacclRing or DistributedBackends.Nccl && hosts[0].Addresses.Count == 0)
        {
            yield return $"has no address for the first host, \"{hosts[0].Name}\", and all others connect to that.";
        }
        else if (backend != DistributedBackends.Mpi && hosts.Exists(host => !host.IsOn(hosts[0])) && hosts[0].Addresses.FirstOrDefault(IsLoopback) is { } inner)
        {
            yield return $"has {inner} for the first host, which only that host itself can reach; write the address that the others have for it.";
        }

        if (backend is DistributedBackends.Jaccl or DistributedBackends.JacclRing && entries.Select((entry, rank) => entry.Devices.Count == entries.Count && !entry.Devices[rank]).Contains(false))
        {
            yield return $"has no \"rdma\" device of each host for each other one, null for itself; let mlx.distributed_config write it with --backend {backend}.";
        }
    }

    private static bool IsLoopback(string address) => IPAddress.TryParse(address, out var parsed) && IPAddress.IsLoopback(parsed);

    [GeneratedRegex("^[A-Za-z_][A-Za-z0-9_]*$")]
    private static partial Regex Identifier();
}
