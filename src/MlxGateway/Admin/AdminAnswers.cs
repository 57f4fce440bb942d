using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using MlxGateway.Admin.Configuration;
using MlxGateway.Admin.Draining;
using MlxGateway.Admin.Logs;

namespace MlxGateway.Admin;

/// <summary>Whether requests are taken.</summary>
/// <param name="Status"><c>ok</c>, or <c>draining</c> once the gateway is shutting down, or was told to take no new requests.</param>
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

/// <summary>The requests that are being served.</summary>
/// <param name="Requests">One entry for each, the oldest first.</param>
internal sealed record RequestsAnswer(IReadOnlyList<RequestInFlight> Requests);

/// <summary>One request that is being served.</summary>
/// <param name="Id">The value of <c>x-request-id</c>.</param>
/// <param name="Route">Its route.</param>
/// <param name="Model">Its model; null: it is still being read.</param>
/// <param name="Stream">Whether it is a stream.</param>
/// <param name="State"><c>reading</c>, <c>queued</c> while it waits for its model or its turn, or <c>running</c>.</param>
/// <param name="ElapsedSeconds">How long ago it came.</param>
internal sealed record RequestInFlight(string Id, string Route, string? Model, bool Stream, string State, double ElapsedSeconds);

/// <summary>What a cancellation did.</summary>
/// <param name="Status">Always <c>ok</c>.</param>
/// <param name="Cancelled">The id of the request.</param>
internal sealed record CancelAnswer(string Status, string Cancelled);

/// <summary>What an unload did.</summary>
/// <param name="Status">Always <c>ok</c>.</param>
/// <param name="Unloaded">The ids of the models whose processes are gone.</param>
internal sealed record UnloadAnswer(string Status, IReadOnlyList<string> Unloaded);

/// <summary>What a load did.</summary>
/// <param name="Status">Always <c>ok</c>.</param>
/// <param name="Loaded">The id of the model, which is ready.</param>
/// <param name="LoadSeconds">How long its launch took; null: it was not measured.</param>
internal sealed record LoadAnswer(string Status, string Loaded, double? LoadSeconds);

/// <summary>Which gateway this is.</summary>
/// <param name="Version">Its version.</param>
/// <param name="Commit">What it was built from; null: unknown.</param>
internal sealed record VersionAnswer(string Version, string? Commit);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(RunningAnswer))]
[JsonSerializable(typeof(UnloadAnswer))]
[JsonSerializable(typeof(RequestsAnswer))]
[JsonSerializable(typeof(CancelAnswer))]
[JsonSerializable(typeof(LoadAnswer))]
[JsonSerializable(typeof(VersionAnswer))]
[JsonSerializable(typeof(DrainAnswer))]
[JsonSerializable(typeof(LogAnswer))]
[JsonSerializable(typeof(SettingsAnswer))]
[JsonSerializable(typeof(ReloadAnswer))]
internal sealed partial class AdminJson : JsonSerializerContext
{
    /// <summary>Without the escapes that only a web page needs: what is answered here is read by people, and logs are full of plus signs and quotes.</summary>
    public static AdminJson Readable { get; } = new(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
