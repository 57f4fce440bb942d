using System.ComponentModel.DataAnnotations;

namespace MlxGateway.Supervision.Models;

/// <summary><c>Distributed</c> of a model as it is written: the hosts that serve it together, through <c>mlx.launch</c>.</summary>
public sealed class DistributedOptions
{
    /// <summary>The file that <c>mlx.distributed_config</c> writes; the first host in it is this machine.</summary>
    public string? Hostfile { get; set; }

    /// <summary>The addresses of the hosts, this machine's first, where there is no file.</summary>
    public List<string> Hosts { get; set; } = [];

    /// <summary>How the ranks talk: <c>ring</c>, <c>jaccl</c>, <c>jaccl-ring</c>, <c>nccl</c> or <c>mpi</c>; null: what the file says, else <c>ring</c>.</summary>
    public string? Backend { get; set; }

    /// <summary>How many ranks each of <see cref="Hosts"/> has.</summary>
    [Range(1, 64)]
    public int RepeatHosts { get; set; } = 1;

    /// <summary>Whether each rank has some of the layers, instead of a part of every layer.</summary>
    public bool Pipeline { get; set; }

    /// <summary>Variables of the ranks on all hosts; <c>${NAME}</c> expands from the gateway's own. They go over command lines, where everybody on those machines can read them.</summary>
    public Dictionary<string, string> Env { get; set; } = [];

    /// <summary>The first of the ports over which ranks talk, one for each rank and address; null: others for each launch.</summary>
    [Range(1024, 65000)]
    public int? StartingPort { get; set; }

    /// <summary>The Python of the ranks, the same path on every host; null: the one that this machine has.</summary>
    public string? Python { get; set; }
}
