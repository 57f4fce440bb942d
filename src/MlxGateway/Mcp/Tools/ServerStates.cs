using System.ComponentModel;
using MlxGateway.Inference;
using MlxGateway.Inference.Ports;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Mcp.Tools;

/// <summary>One model on a port of its own.</summary>
internal sealed record ServerState(
    [property: Description("The port.")] int Port,
    [property: Description("What to give an OpenAI client as its base URL.")] string Url,
    [property: Description("The model that is served there, whatever model a request names.")] string Model,
    [property: Description("ready; loading; waiting: for room in memory; downloading; unloaded: the next request loads it; stopping; or failed.")] string State,
    [property: Description("The process that runs or loads it; none while it is not in memory.")] int? Pid,
    [property: Description("Requests that it is answering.")] int Requests,
    [property: Description("Requests that wait for it.")] int Waiting,
    [property: Description("The memory it is counted with, in bytes.")] long? MemoryBytes,
    [property: Description("Why it could not be loaded when that was last tried.")] string? Trouble);

/// <summary>Tells how models on ports are doing.</summary>
internal sealed class ServerStates(IModelPool pool, RunnerOutputs outputs)
{
    /// <summary>How one is doing.</summary>
    public ServerState Of(ModelPort port)
    {
        var resident = pool.Snapshot.Models.FirstOrDefault(m => m.Id == port.ModelId);
        return new ServerState(
            port.Number,
            port.Address.ToString(),
            port.ModelId,
            NameOf(port, resident),
            resident is { State: ResidentState.Launching } ? outputs.ProcessOf(port.ModelId) : resident?.Pid, // the pool names a process once it is ready
            resident?.Leases ?? 0,
            resident?.Waiting ?? 0,
            resident is { State: not (ResidentState.Absent or ResidentState.Cooling) } ? resident.Planned.Bytes : null,
            resident is { State: ResidentState.Ready } ? null : resident?.Failure ?? port.Trouble);
    }

    private static string NameOf(ModelPort port, ResidentSnapshot? resident) => resident switch
    {
        _ when port.Download is { IsOver: false } => "downloading",
        { State: ResidentState.Ready } => "ready",
        { State: ResidentState.Launching } => "loading",
        { State: ResidentState.Draining or ResidentState.Stopping } => "stopping",
        { State: ResidentState.Cooling } => "failed",
        { Waiting: > 0 } => "waiting",
        _ => port.Trouble is null ? "unloaded" : "failed",
    };
}
