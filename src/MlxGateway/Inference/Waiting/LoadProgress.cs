using System.Globalization;
using MlxGateway.Supervision.Downloads;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Waiting;

/// <summary>How far a model is on its way into memory, as far as it can be told: engines say nothing, so it is judged by how long its last load took.</summary>
/// <param name="Model">Its id.</param>
/// <param name="State">Its state, as in <c>GET /running</c>; <c>waiting</c> where it has none.</param>
/// <param name="Elapsed">How long it has been in that state.</param>
/// <param name="Percent">How much of the load is over, 0 to 99; null: it was never loaded before, or is not being loaded.</param>
/// <param name="Left">How long the load will still take; null as above.</param>
internal sealed record LoadProgress(string Model, string State, TimeSpan Elapsed, int? Percent, TimeSpan? Left)
{
    /// <summary>How many requests wait for the model and came before this one.</summary>
    public int Before { get; init; }

    /// <summary>Whether a runner has the request already, so that only its answer is waited for.</summary>
    public bool IsBegun { get; init; }

    /// <summary>How its download stands, where that is waited for; null: it is not.</summary>
    public DownloadStatus? Download { get; init; }

    /// <summary>What is known of the model's download, at a time.</summary>
    public static LoadProgress OfDownload(string model, DownloadStatus download, DateTimeOffset now) => new(
        model,
        "downloading",
        now - download.Started,
        download.Total is { Bytes: > 0 } total ? (int)Math.Clamp(download.Done.Bytes * 100.0 / total.Bytes, 0, 99) : null,
        download.Remaining)
    {
        Download = download,
    };

    /// <summary>What the pool knows of the model, at a time.</summary>
    public static LoadProgress Of(string model, ResidentSnapshot? resident, DateTimeOffset now)
    {
        if (resident is null || resident.State == ResidentState.Absent)
        {
            return new(model, "waiting", TimeSpan.Zero, null, null);
        }

        var elapsed = now - resident.Since;
        var load = resident.State == ResidentState.Launching && resident.LoadTime is { } last && last > TimeSpan.Zero ? last : default(TimeSpan?);
        return new(
            model,
            Refusals.StateName(resident.State),
            elapsed,
            load is { } whole ? (int)Math.Clamp(100 * (elapsed / whole), 0, 99) : null,
            load is { } all ? (all > elapsed ? all - elapsed : TimeSpan.FromSeconds(1)) : null);
    }

    /// <summary>In a few words: <c>loading qwen 43 % eta 12 s</c>.</summary>
    public override string ToString() => IsBegun ? $"{Model} is at work" : Before > 0 ? $"{Wait}, {Before} before you" : Wait;

    private string Wait => State switch
    {
        "downloading" => $"downloading {Model}{Share}{Speed}{Rest}",
        "launching" when Percent is { } percent && Left is { } left => $"loading {Model} {percent} % eta {Math.Ceiling(left.TotalSeconds):0} s",
        "launching" => $"loading {Model} {Elapsed.TotalSeconds:0} s",
        "waiting" or "ready" => $"waiting for {Model}",
        _ => $"waiting for {Model}, {State} {Elapsed.TotalSeconds:0} s",
    };

    private string Share => Download switch
    {
        { State: DownloadState.Waiting } => ", others first",
        { Total: { } total } => string.Create(CultureInfo.InvariantCulture, $" {Percent ?? 0} % of {total}"),
        _ => $" {Elapsed.TotalSeconds:0} s",
    };

    private string Speed => Download?.BytesPerSecond is { } speed ? $", {new ByteSize((long)speed)}/s" : "";

    private string Rest => Left is { } left ? string.Create(CultureInfo.InvariantCulture, $", eta {Math.Ceiling(left.TotalSeconds):0} s") : "";
}
