using System.Text.Json;
using System.Text.Json.Serialization;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners;

/// <summary>What the next gateway must know of a runner to take it over.</summary>
/// <param name="Model">The id of its model.</param>
/// <param name="Kind">The name of its kind.</param>
/// <param name="Fingerprint"><see cref="ModelSpec.LaunchFingerprint"/> of what it was launched with.</param>
/// <param name="Shape">How it was launched.</param>
/// <param name="Port">Where it listens.</param>
/// <param name="ReadyPaths">What it had to answer before it was ready. That goes with it, because the next gateway, or the engine that it would find, may be of another version.</param>
/// <param name="Proof">The last question of all; null: there was none.</param>
/// <param name="Question">What it is asked when nobody has heard of it for long; null: its first ready path.</param>
/// <param name="Secret">What it asks of whoever speaks to it; null: nothing. The note lies where only the gateway's own user can read it.</param>
/// <param name="WaitsBusily">Whether the processor time that it uses is no sign of work.</param>
internal sealed record RunnerNote(
    string Model, string Kind, string Fingerprint, LaunchShape Shape, int Port, IReadOnlyList<string> ReadyPaths, ReadyQuestion? Proof, ReadyQuestion? Question = null, LaunchSecret? Secret = null,
    bool WaitsBusily = false)
{
    /// <summary>The note of a launch.</summary>
    public static RunnerNote Of(ModelSpec model, LaunchShape shape, int port, LaunchPlan plan) => new(
        model.Id, model.Runner, model.LaunchFingerprint, shape, port, plan.ReadyPaths,
        ReadyQuestion.Of(plan.Proof ?? (plan.Verdicts.Count > 0 ? plan.Verdicts[^1].Probe : null)), ReadyQuestion.Of(plan.Question), plan.Secret, plan.WaitsBusily);

    /// <summary>Reads what <see cref="ToString"/> wrote; null: it is no such note.</summary>
    public static RunnerNote? Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, RunnerNoteJson.Default.RunnerNote) is { Model: not null, Kind: not null, Shape: not null, ReadyPaths: not null } note ? note : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The note as JSON.</summary>
    public override string ToString() => JsonSerializer.Serialize(this, RunnerNoteJson.Default.RunnerNote);
}

/// <summary>A <see cref="ReadyProbe"/> as it is written down.</summary>
internal sealed record ReadyQuestion(string Method, string Path, string? Json)
{
    /// <summary><see cref="ReadyProbe.ContentType"/>; null: JSON.</summary>
    public string? ContentType { get; init; }

    /// <summary><see cref="ReadyProbe.TakesAnyAnswer"/>.</summary>
    public bool TakesAnyAnswer { get; init; }

    /// <summary>A probe as it is written down; null: there is none.</summary>
    public static ReadyQuestion? Of(ReadyProbe? probe) => probe is null ? null : new(probe.Method.Method, probe.Path, probe.Json) { ContentType = probe.ContentType, TakesAnyAnswer = probe.TakesAnyAnswer };

    /// <summary>To be asked again.</summary>
    public ReadyProbe ToProbe()
    {
        var probe = new ReadyProbe(new HttpMethod(Method), Path, Json) { TakesAnyAnswer = TakesAnyAnswer };
        return ContentType is { } type ? probe with { ContentType = type } : probe;
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, UseStringEnumConverter = true)]
[JsonSerializable(typeof(RunnerNote))]
internal sealed partial class RunnerNoteJson : JsonSerializerContext;
