using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Checking;

/// <summary>How findings are shown.</summary>
internal static class DoctorPage
{
    private static readonly JsonWriterOptions Readable = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>For people: a line for each, with what else was seen and the fix below it; several that the same mends, have it once, at the end.</summary>
    public static void Write(Terminal terminal, IReadOnlyList<Finding> findings)
    {
        var area = findings.Max(static f => f.Area.Length);
        foreach (var (finding, next) in findings.Zip(findings.Skip(1).Append(null)))
        {
            var heading = $"{WordOf(finding.Verdict),-8} {finding.Area.PadRight(area)} ";
            var beside = new string(' ', heading.Length + 1);
            var width = Math.Max(20, (terminal.Width ?? int.MaxValue) - beside.Length);
            foreach (var (line, isFirst) in Wrapping.Lines(Terminal.Clean(finding.Sentence), width).Select(static (line, i) => (line, i == 0)))
            {
                terminal.Out.WriteLine(isFirst ? Toned(terminal, finding.Verdict, heading) + " " + line : beside + line);
            }

            foreach (var line in finding.Notes.SelectMany(note => Wrapping.Lines(Terminal.Clean(note), width)))
            {
                terminal.Out.WriteLine(beside + terminal.Dim(line));
            }

            if (finding.Fix is { } fix && next?.Fix != fix)
            {
                terminal.Out.WriteLine(beside + "fix: " + terminal.Bold(Terminal.Clean(fix))); // never broken: it is copied
            }
        }

        terminal.Out.WriteLine();
        terminal.Out.WriteLine(Summary(findings));
    }

    /// <summary>For scripts.</summary>
    public static void WriteJson(Terminal terminal, IReadOnlyList<Finding> findings)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Readable))
        {
            json.WriteStartObject();
            json.WriteBoolean("ok", findings.All(static f => f.Verdict != Verdict.Problem));
            json.WriteStartArray("findings");
            foreach (var finding in findings)
            {
                json.WriteStartObject();
                json.WriteString("area", finding.Area);
                json.WriteString("verdict", WordOf(finding.Verdict));
                json.WriteString("message", finding.Sentence);
                json.WriteString("fix", finding.Fix);
                JsonLists.Write(json, "notes", finding.Notes);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        terminal.Out.WriteLine(Encoding.UTF8.GetString(buffer.ToArray()));
    }

    private static string Summary(IReadOnlyList<Finding> findings)
    {
        var problems = findings.Count(static f => f.Verdict == Verdict.Problem);
        var warnings = findings.Count(static f => f.Verdict == Verdict.Warning);
        return (problems, warnings) switch
        {
            (0, 0) => "All is well.",
            (0, _) => $"It works, with {Counted(warnings, "warning")}.",
            (_, 0) => $"There {(problems == 1 ? "is" : "are")} {Counted(problems, "problem")}.",
            _ => $"There {(problems == 1 ? "is" : "are")} {Counted(problems, "problem")} and {Counted(warnings, "warning")}.",
        };
    }

    private static string Counted(int count, string word) => count == 1 ? $"1 {word}" : $"{count} {word}s";

    private static string WordOf(Verdict verdict) => verdict switch { Verdict.Ok => "ok", Verdict.Warning => "warning", _ => "problem" };

    private static string Toned(Terminal terminal, Verdict verdict, string text) => verdict switch
    {
        Verdict.Ok => terminal.Good(text),
        Verdict.Warning => terminal.Warning(text),
        _ => terminal.Bad(text),
    };
}
