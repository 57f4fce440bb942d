using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Watching;

/// <summary>What the gateway's words for states mean to whoever looks at them.</summary>
internal static class States
{
    /// <summary>A state as a cell.</summary>
    public static Cell Cell(string? state) => new(state?.Replace('_', ' ') ?? "-", state switch
    {
        "ready" or "loaded" or "fits" or "running" => Tone.Good,
        "cooling" or "failed" or "never" => Tone.Bad,
        "launching" or "loading" or "draining" or "stopping" or "unloading" or "missing" or "does_not_fit_now" or "queued" => Tone.Warning,
        "unloaded" => Tone.Dim,
        _ => Tone.Plain,
    });
}
