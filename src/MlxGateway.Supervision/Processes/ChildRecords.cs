using System.Text.Json.Serialization;

namespace MlxGateway.Supervision.Processes;

/// <summary>What one gateway writes down about itself and its children, so that the next one can clear up after it.</summary>
/// <param name="Mark">The mark of its children.</param>
/// <param name="Epoch">Within which the process ids mean something.</param>
/// <param name="Owner">The gateway itself.</param>
/// <param name="Children">Those that run.</param>
internal sealed record GatewayRecord(string Mark, ProcessEpoch Epoch, ProcessIdentity Owner, IReadOnlyList<ChildRecord> Children);

/// <summary>A child that runs.</summary>
/// <param name="Leader">The process that leads its group.</param>
/// <param name="Label">Its name in logs.</param>
/// <param name="LogFile">The file name of its log.</param>
internal sealed record ChildRecord(ProcessIdentity Leader, string Label, string LogFile);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(GatewayRecord))]
internal sealed partial class ChildRecordsJson : JsonSerializerContext;
