using System.Text.RegularExpressions;

namespace MlxGateway.Commands.Connecting;

/// <summary>Puts keys and tables into a TOML document, line by line, so that everything else stays as it was written, comments too.</summary>
internal static partial class TomlMerge
{
    /// <summary>Merges. A key is put where it is, with the comment behind it; otherwise those of no table in front, and those of a table at its end.</summary>
    /// <exception cref="CommandFailure">A key that would be changed has a value of several lines, or the table is written in another form.</exception>
    public static MergedText Of(string existing, string wanted)
    {
        var lines = existing.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n').ToList();
        var parts = wanted.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        var firstTable = Array.FindIndex(parts, static l => l.StartsWith('['));
        var name = NameIn(parts[firstTable])!;
        RefuseOtherForms(lines, name);
        var changes = new List<string>();
        foreach (var line in parts[..firstTable].Where(static l => l.Length > 0).Reverse())
        {
            var read = TomlLine.Read(lines);
            var end = read.FindIndex(static l => NameIn(l) is not null);
            if (PutKey(lines, read, 0, end < 0 ? lines.Count : end, insertAt: 0, line) is { } what)
            {
                changes.Add($"{what} {KeyIn(line)}");
            }
        }

        PutTable(lines, name, parts[firstTable..], changes);
        return new MergedText(string.Join('\n', lines) + "\n", changes);
    }

    // What was done; null: it says that already.
    private static string? PutKey(List<string> lines, List<TomlLine> read, int start, int end, int insertAt, string wanted)
    {
        var key = KeyIn(wanted);
        var at = read.FindIndex(start, end - start, l => !l.IsInside && KeyIn(l.Text) == key);
        if (at < 0)
        {
            lines.Insert(insertAt, wanted);
            return "added";
        }

        if (read[at].IsOpen)
        {
            throw new CommandFailure(Exits.Refused, $"has a value of several lines for {key}");
        }

        if (Key().Match(read[at].WithoutComment).Groups["value"].Value == Key().Match(wanted).Groups["value"].Value)
        {
            return null;
        }

        var comment = read[at].Comment;
        lines[at] = comment.Length == 0 ? wanted : $"{wanted} {comment}";
        return "changed";
    }

    private static void PutTable(List<string> lines, string name, string[] wanted, List<string> changes)
    {
        var at = TomlLine.Read(lines).FindIndex(l => NameIn(l) == name);
        if (at < 0)
        {
            lines.AddRange(["", .. wanted]);
            changes.Add($"added [{name}]");
            return;
        }

        var isChanged = false;
        foreach (var line in wanted[1..])
        {
            var read = TomlLine.Read(lines);
            var end = read.FindIndex(at + 1, static l => NameIn(l) is not null);
            end = end < 0 ? lines.Count : end;
            while (end > at + 1 && (lines[end - 1].Trim().Length == 0 || (!read[end - 1].IsInside && lines[end - 1].TrimStart().StartsWith('#'))))
            {
                end--; // what stands before the next table belongs to that
            }

            isChanged |= PutKey(lines, read, at + 1, end, insertAt: end, line) is not null;
        }

        if (isChanged)
        {
            changes.Add($"changed [{name}]");
        }
    }

    // The same table as one line, or as keys with dots in them: a second one beside it would be an error.
    private static void RefuseOtherForms(List<string> lines, string name)
    {
        var table = "";
        foreach (var line in TomlLine.Read(lines).Where(static l => !l.IsInside))
        {
            if (NameIn(line) is { } next)
            {
                table = next;
            }
            else if (table != name && KeyIn(line.Text) is { } key && (table.Length == 0 ? key : $"{table}.{key}") is var whole && (whole == name || whole.StartsWith(name + ".", StringComparison.Ordinal) || name.StartsWith(whole + ".", StringComparison.Ordinal)))
            {
                throw new CommandFailure(Exits.Refused, $"has {name} in another form than as a table of its own");
            }
        }
    }

    private static string? NameIn(TomlLine line) => line.IsInside ? null : NameIn(line.WithoutComment);

    private static string? NameIn(string line) => Table().Match(line) is { Success: true } match ? Plain(match.Groups["name"].Value) : null;

    private static string? KeyIn(string line) => Key().Match(line) is { Success: true } match ? Plain(match.Groups["key"].Value) : null;

    // Parts may stand in quotes, and dots between blanks.
    private static string Plain(string name) => string.Join('.', Part().Matches(name).Select(static part => part.Value.Trim('"', '\'')));

    [GeneratedRegex("""^\s*(?<key>(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*'))*)\s*=\s*(?<value>.*?)\s*$""")]
    private static partial Regex Key();

    [GeneratedRegex("""^\s*\[\[?\s*(?<name>[^\[\]]+?)\s*\]\]?\s*$""")]
    private static partial Regex Table();

    [GeneratedRegex("""[A-Za-z0-9_-]+|"[^"]*"|'[^']*'""")]
    private static partial Regex Part();
}
