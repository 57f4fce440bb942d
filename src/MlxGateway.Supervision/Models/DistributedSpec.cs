using System.Text.Json.Serialization;

namespace MlxGateway.Supervision.Models;

/// <summary>How one model is served by several processes at once, its ranks, on several hosts. Immutable and compared by value.</summary>
public sealed record DistributedSpec
{
    /// <summary>The absolute path of the file that names the hosts; null: they are listed.</summary>
    public string? Hostfile { get; init; }

    /// <summary>The host of each rank, rank 0 first; at least two.</summary>
    public required ValueList<RankHost> Hosts { get; init; }

    /// <summary>How many ranks each listed host has; 1 for hosts of a file, which names one as often as it has ranks.</summary>
    public int RepeatHosts { get; init; } = 1;

    /// <summary>How the ranks talk: one of <see cref="DistributedBackends"/>.</summary>
    public string Backend { get; init; } = DistributedBackends.Ring;

    /// <summary>Whether each rank has some of the layers, instead of a part of every layer.</summary>
    public bool Pipeline { get; init; }

    /// <summary>Variables of the ranks on all hosts; <c>${NAME}</c> stands for the gateway's own variable.</summary>
    public ValueMap Env { get; init; } = ValueMap.Empty;

    /// <summary>The first of the ports over which ranks talk; null: others for each launch.</summary>
    public int? StartingPort { get; init; }

    /// <summary>The Python of the ranks on every host; null: the one that this machine has.</summary>
    public string? Python { get; init; }

    /// <summary>How many ranks there are.</summary>
    [JsonIgnore]
    public int Ranks => Hosts.Count;

    /// <summary>The ranks that run where rank 0 does, which is here. In order; rank 0 is the first.</summary>
    [JsonIgnore]
    public IReadOnlyList<int> LocalRanks => [.. Enumerable.Range(0, Hosts.Count).Where(rank => Hosts[rank].IsOn(Hosts[0]))];
}

/// <summary>Where a rank runs.</summary>
/// <param name="Name">What ssh calls the host.</param>
/// <param name="Addresses">Its addresses for the other ranks; none where the backend needs none.</param>
public sealed record RankHost(string Name, ValueList<string> Addresses)
{
    /// <summary>Whether two ranks are on one machine: by its name, or by an address that they share.</summary>
    public bool IsOn(RankHost other) => string.Equals(Name, other.Name, StringComparison.OrdinalIgnoreCase) || Addresses.Any(address => other.Addresses.Contains(address));
}

/// <summary>How ranks can talk.</summary>
public static class DistributedBackends
{
    /// <summary>TCP from each to the next.</summary>
    public const string Ring = "ring";

    /// <summary>RDMA over Thunderbolt, each with each.</summary>
    public const string Jaccl = "jaccl";

    /// <summary>RDMA over Thunderbolt, each with the next.</summary>
    public const string JacclRing = "jaccl-ring";

    /// <summary>NVIDIA's library.</summary>
    public const string Nccl = "nccl";

    /// <summary>Open MPI.</summary>
    public const string Mpi = "mpi";

    /// <summary>All of them.</summary>
    internal static IReadOnlyList<string> All { get; } = [Ring, Jaccl, JacclRing, Nccl, Mpi];
}
