using System.Text.RegularExpressions;

namespace MlxGateway.Commands.Connecting;

/// <summary>Puts an entry into a list of a YAML document, between two comments by which it is found again; everything else stays as it was written.</summary>
internal static partial class YamlMerge
{
    private const string Begin = "# MlxGateway: begin";
    private const string End = "# MlxGateway: end";

    /// <summary>A document whose last lines are its one entry, with the comments around that.</summary>
    public static string Marked(string document)
    {
        var lines = document.Split('\n').ToList();
        var first = lines.FindIndex(static l => l.TrimStart().StartsWith("- ", StringComparison.Ordinal));
        var indent = lines[first][..^lines[first].TrimStart().Length];
        lines.Insert(first, indent + Begin);
        lines.Add(indent + End);
        return string.Join('\n', lines);
    }

    /// <summary>Merges.</summary>
    /// <param name="existing">What is there.</param>
    /// <param name="wanted">A document with one entry in that list.</param>
    /// <param name="isUnderModels">Whether the list stands under the key <c>models</c>; otherwise it is the document.</param>
    /// <exception cref="CommandFailure">The list is written in a way into which no line can be put.</exception>
    public static MergedText Of(string existing, string wanted, bool isUnderModels)
    {
        var lines = existing.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n').ToList();
        var entry = wanted.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n').SkipWhile(static l => !l.TrimStart().StartsWith("- ", StringComparison.Ordinal)).ToList();
        var own = entry[0].Length - entry[0].TrimStart().Length;
        entry = entry.ConvertAll(l => l[own..]);

        if (lines.FindIndex(static l => l.Trim() == Begin) is var begin and >= 0 && lines.FindIndex(begin, static l => l.Trim() == End) is var end and > 0)
        {
            var indent = new string(' ', lines[begin].Length - lines[begin].TrimStart().Length);
            var marked = entry.ConvertAll(l => indent + l);
            if (lines[(begin + 1)..end].SequenceEqual(marked, StringComparer.Ordinal))
            {
                return new MergedText(existing, []);
            }

            lines.RemoveRange(begin + 1, end - begin - 1);
            lines.InsertRange(begin + 1, marked);
            return new MergedText(string.Join('\n', lines) + "\n", ["changed the entry of MlxGateway"]);
        }

        var (at, space) = isUnderModels ? PlaceUnderModels(lines) : PlaceInList(lines);
        lines.InsertRange(at, [space + Begin, .. entry.Select(l => space + l), space + End]);
        return new MergedText(string.Join('\n', lines) + "\n", ["added an entry for MlxGateway"]);
    }

    private static (int At, string Indent) PlaceUnderModels(List<string> lines)
    {
        var key = lines.FindIndex(static l => Models().IsMatch(l));
        if (key < 0)
        {
            if (lines.FindIndex(static l => NoModels().IsMatch(l)) is var none and >= 0)
            {
                lines[none] = NoModels().Replace(lines[none], "models:");
                return (none + 1, "  ");
            }

            if (lines.Exists(static l => l.StartsWith("models", StringComparison.Ordinal)))
            {
                throw new CommandFailure(Exits.Refused, "has its models in one line");
            }

            lines.Add("models:");
            return (lines.Count, "  ");
        }

        var first = lines.Skip(key + 1).FirstOrDefault(static l => l.TrimStart().StartsWith("- ", StringComparison.Ordinal));
        return (key + 1, first is null ? "  " : first[..^first.TrimStart().Length]);
    }

    private static (int At, string Indent) PlaceInList(List<string> lines)
    {
        if (!lines.TrueForAll(static l => l.Trim() is "" or "[]" or "---" || l.StartsWith("- ", StringComparison.Ordinal) || l.StartsWith(' ') || l.StartsWith('#')))
        {
            throw new CommandFailure(Exits.Refused, "is no list");
        }

        lines.RemoveAll(static l => l.Trim() == "[]");
        var first = lines.Find(static l => l.TrimStart().StartsWith("- ", StringComparison.Ordinal)) ?? "";
        return (lines.Count, first[..^first.TrimStart().Length]);
    }

    // As its own program writes the file at first.
    [GeneratedRegex(@"^models:\s*\[\s*\]")]
    private static partial Regex NoModels();

    [GeneratedRegex(@"^models:\s*(#.*)?$")]
    private static partial Regex Models();
}
