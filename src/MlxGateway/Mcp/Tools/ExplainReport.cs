using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Mcp.Tools;

/// <summary>A model and why it is where it is.</summary>
internal sealed record ResidentReason(
    [property: Description("The model.")] string Model,
    [property: Description("Its state.")] string State,
    [property: Description("Since when.")] DateTime Since,
    [property: Description("The memory it is counted with, in bytes.")] long PlannedBytes,
    [property: Description("Requests that it is answering.")] int Requests,
    [property: Description("How long it has been unused, in seconds.")] double? IdleSeconds,
    [property: Description("Why it is there.")] string Why);

/// <summary>Who waits, and for what.</summary>
internal sealed record WaitReason(
    [property: Description("The model that is waited for.")] string Model,
    [property: Description("How many requests wait.")] int Requests,
    [property: Description("How long the first of them has waited, in seconds.")] double LongestSeconds,
    [property: Description("For what.")] string Why);

/// <summary>Something that will happen if nobody asks for anything.</summary>
internal sealed record ExpectedTurn([property: Description("When.")] DateTime At, [property: Description("To which model.")] string Model, [property: Description("What.")] string What);

/// <summary>A decision and its reason.</summary>
internal sealed record DecisionReason(
    [property: Description("When.")] DateTime At,
    [property: Description("launched, evicted, idled_out, unloaded, refused, failed, ….")] string Kind,
    [property: Description("Which model it concerned.")] string Model,
    [property: Description("For whose sake.")] string? For,
    [property: Description("Why, with numbers.")] string Reason);

/// <summary>Why everything is as it is.</summary>
internal sealed record ExplainReport(
    [property: Description("The answer in words.")] string Message,
    [property: Description("The most bytes that all models together may ever use.")] long CeilingBytes,
    [property: Description("The most bytes that they may use now.")] long UsableBytes,
    [property: Description("The bytes that those in memory are counted with.")] long PlannedBytes,
    [property: Description("Who is in memory.")] IReadOnlyList<ResidentReason> Resident,
    [property: Description("Who waits.")] IReadOnlyList<WaitReason> Waiting,
    [property: Description("What will happen next.")] IReadOnlyList<ExpectedTurn> Next,
    [property: Description("What was decided lately, the newest first.")] IReadOnlyList<DecisionReason> Decisions)
{
    private const int MostDecisions = 20;

    /// <summary>Puts the pool's own words into the form of an answer. An agent pays for each word: of decisions it gets the newest.</summary>
    public static ExplainReport Of(PoolExplanation pool) => new(
        Say(pool),
        pool.Ceiling.Bytes,
        pool.Usable.Bytes,
        pool.Planned.Bytes,
        [.. pool.Residents.Select(static r => new ResidentReason(r.Model, Refusals.StateName(r.State), r.Since.UtcDateTime, r.Planned.Bytes, r.People + r.Background, r.Idle?.TotalSeconds, r.Why))],
        [.. pool.Waiting.Select(static w => new WaitReason(w.Model, w.People + w.Background, w.Longest.TotalSeconds, w.Why))],
        [.. pool.Next.Select(static e => new ExpectedTurn(e.At.UtcDateTime, e.Model, e.What))],
        [.. pool.Decisions.Take(MostDecisions).Select(static d => new DecisionReason(d.At.UtcDateTime, JsonNamingPolicy.SnakeCaseLower.ConvertName(d.Kind.ToString()), d.Model, d.For, d.Reason))]);

    private static string Say(PoolExplanation pool)
    {
        string[] parts =
        [
            pool.Residents.Count == 0 ? "No model is in memory." : $"In memory: {string.Join("; ", pool.Residents.Select(static r => $"{r.Model} ({Refusals.StateName(r.State)}, {r.Planned}): {r.Why}"))}.",
            pool.Waiting.Count == 0 ? "Nobody waits." : $"Waiting: {string.Join("; ", pool.Waiting.Select(static w => string.Create(CultureInfo.InvariantCulture, $"{w.People + w.Background} for {w.Model}: {w.Why}")))}.",
            $"{pool.Planned} of {pool.Usable} are taken.",
        ];
        return string.Join(" ", parts);
    }
}
