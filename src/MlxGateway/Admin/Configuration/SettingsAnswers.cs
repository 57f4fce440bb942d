using System.Text.Json;

namespace MlxGateway.Admin.Configuration;

/// <summary>The configuration that is in force.</summary>
/// <param name="Settings">All of it, in the form of the file and with every default. Secrets are <c>***</c>.</param>
/// <param name="Files">The files that it is read from, the later ones winning.</param>
/// <param name="SetBy">Where each key comes from that is no default: a file, <c>environment</c> or <c>command line</c>.</param>
/// <param name="AtNextStart">The keys that were changed since the start and are not in force before the next.</param>
internal sealed record SettingsAnswer(JsonElement Settings, IReadOnlyList<SettingsFile> Files, IReadOnlyDictionary<string, string> SetBy, IReadOnlyList<string> AtNextStart);

/// <summary>A file of the configuration.</summary>
/// <param name="Path">Its path.</param>
/// <param name="Exists">Whether it is there.</param>
internal sealed record SettingsFile(string Path, bool Exists);

/// <summary>What came of reading the configuration again.</summary>
/// <param name="Status">Always <c>ok</c>.</param>
/// <param name="Changed">The keys that have changed and are in force now.</param>
/// <param name="AtNextStart">The keys that will be in force at the next start.</param>
internal sealed record ReloadAnswer(string Status, IReadOnlyList<string> Changed, IReadOnlyList<string> AtNextStart);
