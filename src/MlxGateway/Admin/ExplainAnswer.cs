using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using MlxGateway.Inference;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Admin;

/// <summary>Why everything is as it is. Times are UTC, sizes bytes, durations seconds.</summary>
/// <param name="At">The moment.</param>
/// <param name="CeilingBytes">The most that all models together may ever use.</param>
/// <param name="UsableBytes">The most that they may use now.</param>
/// <param name="PlannedBytes">What those in memory are counted with.</param>
/// <param name="LeasesOut">How many requests are with a runner, or were with one that has gone and are not over: when no request is under way, none.</param>
/// <param name="Resident">Every model that is in memory, on its way in or out, or left alone after a failure.</param>
/// <param name="Waiting">Every model that somebody waits for, the next to be looked at first.</param>
/// <param name="Next">What will happen if nobody asks for anything.</param>
/// <param name="Decisions">What was decided lately, the newest first.</param>
internal sealed record ExplainAnswer(
    DateTime At,
    long CeilingBytes,
    long UsableBytes,
    long PlannedBytes,
    int LeasesOut,
    IReadOnlyList<ExplainedResident> Resident,
    IReadOnlyList<ExplainedWait> Waiting,
    IReadOnlyList<ExplainedEvent> Next,
    IReadOnlyList<ExplainedDecision> Decisions)
{
    /// <summary>Puts the pool's own words into the form of an answer.</summary>
    public static ExplainAnswer Of(PoolExplanation pool) => new(
        pool.At.UtcDateTime,
        pool.Ceiling.Bytes,
        pool.Usable.Bytes,
        pool.Planned.Bytes,
        pool.LeasesOut,
        [.. pool.Residents.Select(static r => new ExplainedResident(
            r.Model, Refusals.StateName(r.State), r.Since.UtcDateTime, r.Planned.Bytes, r.People, r.Background, r.Idle?.TotalSeconds, r.LoadTime?.TotalSeconds, r.Why))],
        [.. pool.Waiting.Select(static w => new ExplainedWait(w.Model, w.People, w.Background, w.Longest.TotalSeconds, w.Why, w.Until?.UtcDateTime))],
        [.. pool.Next.Select(static e => new ExplainedEvent(e.At.UtcDateTime, e.Model, e.What))],
        [.. pool.Decisions.Select(static d => new ExplainedDecision(d.At.UtcDateTime, NameOf(d.Kind), d.Model, d.For, d.Reason))]);

    private static string NameOf(DecisionKind kind) => JsonNamingPolicy.SnakeCaseLower.ConvertName(kind.ToString());
}

/// <summary>A model and why it is where it is.</summary>
/// <param name="Model">Its id.</param>
/// <param name="State">As in <c>/running</c>.</param>
/// <param name="Since">When it entered that state.</param>
/// <param name="PlannedBytes">What it is counted with.</param>
/// <param name="People">Requests of people that it serves.</param>
/// <param name="Background">Background requests that it serves.</param>
/// <param name="IdleSeconds">How long it has been unused; null: it is not idle.</param>
/// <param name="LoadSeconds">How long its last load took; null: not measured.</param>
/// <param name="Why">In words.</param>
internal sealed record ExplainedResident(
    string Model, string State, DateTime Since, long PlannedBytes, int People, int Background, double? IdleSeconds, double? LoadSeconds, string Why);

/// <summary>Who waits for a model, and for what.</summary>
/// <param name="Model">Its id.</param>
/// <param name="People">People who wait.</param>
/// <param name="Background">Background requests that wait.</param>
/// <param name="LongestSeconds">How long the first of them has waited.</param>
/// <param name="Why">For what.</param>
/// <param name="Until">When this ends at the latest; null: it depends on others.</param>
internal sealed record ExplainedWait(string Model, int People, int Background, double LongestSeconds, string Why, DateTime? Until);

/// <summary>Something that will happen.</summary>
/// <param name="At">When.</param>
/// <param name="Model">To whom.</param>
/// <param name="What">In words.</param>
internal sealed record ExplainedEvent(DateTime At, string Model, string What);

/// <summary>A decision and its reason.</summary>
/// <param name="At">When.</param>
/// <param name="Kind"><c>launched</c>, <c>adopted</c>, <c>evicted</c>, <c>spared</c>, <c>idled_out</c>, <c>unloaded</c>, <c>refused</c>, <c>failed</c> or <c>yielded</c>.</param>
/// <param name="Model">Whom it concerned.</param>
/// <param name="For">For whose sake; null: nobody's.</param>
/// <param name="Reason">Why, with numbers.</param>
internal sealed record ExplainedDecision(DateTime At, string Kind, string Model, string? For, string Reason);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ExplainAnswer))]
internal sealed partial class ExplainJson : JsonSerializerContext
{
    /// <summary>Without the escapes that only a web page needs: it is read by people, and full of quotes.</summary>
    public static ExplainJson Readable { get; } = new(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
