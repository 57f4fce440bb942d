using System.Text.Json.Serialization;

namespace MlxGateway.Supervision.Processes;

/// <summary>What one gateway writes down about itself and its children, so that the next one can clear up after it.</summary>
/// <param name="Mark">The mark of its children.</param>
/// <param name="Epoch">Within which the process ids mean something.</param>
/// <param name="Owner">The gateway itself.</param>
/// <param name="Children">Those that run.</param>
/// <param name="LetGo">The marks of those that carry this gateway's mark and are not its own any more; null: none.</param>
internal sealed record GatewayRecord(string Mark, ProcessEpoch Epoch, ProcessIdentity Owner, IReadOnlyList<ChildRecord> Children, IReadOnlyList<string>? LetGo = null);

/// <summary>A child that runs.</summary>
/// <param name="Leader">The process that leads its group.</param>
/// <param name="Label">Its name in logs.</param>
/// <param name="LogFile">The file name of its log.</param>
/// <param name="Mark">Its own mark, if it was started by another gateway and so does not carry the mark of this one; null: it does.</param>
internal sealed record ChildRecord(ProcessIdentity Leader, string Label, string LogFile, string? Mark = null);

/// <summary>A child that its gateway let go of when it ended. It belongs to nobody until another one takes it.</summary>
/// <param name="Mark">Its own mark.</param>
/// <param name="Epoch">Within which its process id means something.</param>
/// <param name="Leader">The process that leads its group.</param>
/// <param name="StartedAt">When it was started.</param>
/// <param name="Label">Its name in logs.</param>
/// <param name="LogFile">The file name of its log.</param>
/// <param name="Note">What whoever let go of it wants the next one to know.</param>
internal sealed record KeptChild(string Mark, ProcessEpoch Epoch, ProcessIdentity Leader, DateTimeOffset StartedAt, string Label, string LogFile, string Note);

[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(GatewayRecord))]
[JsonSerializable(typeof(KeptChild))]
internal sealed partial class ChildRecordsJson : JsonSerializerContext;
