using System.Text.Json.Serialization;

namespace MlxGateway.Admin;

/// <summary>Whether requests are taken.</summary>
/// <param name="Status"><c>ok</c>, or <c>draining</c> once the gateway is shutting down.</param>
internal sealed record HealthAnswer(string Status);

/// <summary>The models in memory.</summary>
/// <param name="Running">One entry for each.</param>
internal sealed record RunningAnswer(IReadOnlyList<RunningModel> Running);

/// <summary>One model in memory, or on its way in or out.</summary>
/// <param name="Model">Its id.</param>
/// <param name="State"><c>launching</c>, <c>ready</c>, <c>draining</c>, <c>stopping</c> or <c>cooling</c>.</param>
/// <param name="Runner">The kind that serves it.</param>
/// <param name="Pid">Its process.</param>
/// <param name="Port">Its port on loopback.</param>
/// <param name="Leases">Requests that it is answering.</param>
/// <param name="Waiting">Requests that wait for it.</param>
/// <param name="Since">When it entered this state, in UTC.</param>
internal sealed record RunningModel(string Model, string State, string Runner, int? Pid, int? Port, int Leases, int Waiting, DateTime Since);

/// <summary>What an unload did.</summary>
/// <param name="Status">Always <c>ok</c>.</param>
/// <param name="Unloaded">The ids of the models whose processes are gone.</param>
internal sealed record UnloadAnswer(string Status, IReadOnlyList<string> Unloaded);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(RunningAnswer))]
[JsonSerializable(typeof(UnloadAnswer))]
internal sealed partial class AdminJson : JsonSerializerContext;
