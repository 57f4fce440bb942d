using System.Text.RegularExpressions;

namespace MlxGateway.Commands.Connecting;

/// <summary>Puts keys and tables into a TOML document, line by line, so that everything else stays as it was written, comments too.</summary>
internal static partial class TomlMerge
{
    /// <summary>Merges. Keys before the first table are put where they are or in front; a table of the same name is replaced whole.</summary>
    /// <exception cref="CommandFailure">A key that would be changed has a value of several lines.</exception>
    public static MergedText Of(string existing, string wanted)
    {
        var lines = existing.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n').ToList();
        var parts = wanted.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        var firstTable = Array.FindIndex(parts, static l => l.StartsWith('['));
        var changes = new List<string>();
        foreach (var line in parts[..firstTable].Where(static l => l.Length > 0).Reverse())
        {
            PutKey(lines, line, changes);
        }

        PutTable(lines, parts[firstTable..], changes);
        return new MergedText(string.Join('\n', lines) + "\n", changes);
    }

    private static void PutKey(List<string> lines, string wanted, List<string> changes)
    {
        var key = Key().Match(wanted).Groups["key"].Value;
        var end = lines.FindIndex(static l => Table().IsMatch(l));
        var at = lines.FindIndex(0, end < 0 ? lines.Count : end, l => Key().Match(l).Groups["key"].Value == key);
        if (at < 0)
        {
            lines.Insert(0, wanted);
            changes.Add($"added {key}");
        }
        else if (Key().Match(lines[at]).Groups["value"].Value is var value && IsUnfinished(value))
        {
            throw new CommandFailure(Exits.Refused, $"has a value of several lines for {key}");
        }
        else if (lines[at].Trim() != wanted)
        {
            lines[at] = wanted;
            changes.Add($"changed {key}");
        }
    }

    private static void PutTable(List<string> lines, string[] wanted, List<string> changes)
    {
        var name = Table().Match(wanted[0]).Groups["name"].Value;
        var at = lines.FindIndex(l => Table().Match(l).Groups["name"].Value == name);
        if (at < 0)
        {
            lines.AddRange(["", .. wanted]);
            changes.Add($"added [{name}]");
            return;
        }

        var end = lines.FindIndex(at + 1, static l => Table().IsMatch(l));
        end = end < 0 ? lines.Count : end;
        while (end > at + 1 && (lines[end - 1].Trim().Length == 0 || lines[end - 1].TrimStart().StartsWith('#')))
        {
            end--; // what stands before the next table belongs to that
        }

        if (!lines[at..end].SequenceEqual(wanted, StringComparer.Ordinal))
        {
            lines.RemoveRange(at, end - at);
            lines.InsertRange(at, wanted);
            changes.Add($"changed [{name}]");
        }
    }

    private static bool IsUnfinished(string value) =>
        value.StartsWith("\"\"\"", StringComparison.Ordinal) || value.StartsWith("'''", StringComparison.Ordinal)
        || (value.StartsWith('[') && value.Count(static c => c == '[') > value.Count(static c => c == ']'))
        || (value.StartsWith('{') && value.Count(static c => c == '{') > value.Count(static c => c == '}'));

    [GeneratedRegex(@"^\s*(?<key>[A-Za-z0-9_-]+)\s*=\s*(?<value>.*?)\s*$")]
    private static partial Regex Key();

    [GeneratedRegex(@"^\s*\[\[?\s*(?<name>[^\[\]]+?)\s*\]\]?\s*(#.*)?$")]
    private static partial Regex Table();
}
