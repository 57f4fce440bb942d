using System.Collections.Frozen;
using Microsoft.Extensions.Configuration;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Models;

/// <summary>What must hold of <see cref="RequestFields"/>. A field may be in one of them only, and some are the gateway's own business.</summary>
internal static class FieldRules
{
    // By these the gateway tells the model, the kind of answer and what is asked; a request with others would be answered as if it were another one.
    private static readonly FrozenSet<string> Own = FrozenSet.ToFrozenSet(
        ["model", "messages", "prompt", "input", "instructions", "system", "tools", "stream", "stream_options", "encoding_format", "keep_alive"], StringComparer.Ordinal);

    /// <summary>Reports every breach.</summary>
    public static void Check(string at, ModelOptions model, SettingsErrors errors)
    {
        var seen = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (section, field) in Fields(model))
        {
            var path = ConfigurationPath.Combine(at, section);
            if (string.IsNullOrWhiteSpace(field))
            {
                errors.Add(path, "names a field without a name; write the name of a field of a request, for example \"temperature\".");
            }
            else if (Own.Contains(field))
            {
                errors.Add(path, $"\"{field}\" is not set here: the gateway reads it itself.{(field is "messages" or "system" or "instructions" ? " For instructions write \"SystemPrompt\"." : "")}");
            }
            else if (!seen.TryAdd(field, section))
            {
                errors.Add(path, seen[field] == section ? $"names \"{field}\" twice." : $"names \"{field}\", and \"{seen[field]}\" does too; a field can be in one of them only.");
            }
        }
    }

    private static IEnumerable<(string Section, string Field)> Fields(ModelOptions model) =>
        model.Defaults.Keys.Select(field => (nameof(ModelOptions.Defaults), field))
            .Concat(model.Forced.Keys.Select(field => (nameof(ModelOptions.Forced), field)))
            .Concat(model.Forbidden.Select(field => (nameof(ModelOptions.Forbidden), field)));
}
