using System.Text.RegularExpressions;
using Xunit;

namespace MlxGateway.Architecture.Tests;

/// <summary>What may be named where.</summary>
public sealed partial class HouseRulesTests
{
    private const int LargestRoomWithoutANote = 6;

    [Fact]
    public void Supervision_KnowsNothingOfHttpServersAndLogWriters() => Forbid(
        @"\b(Microsoft\.AspNetCore|Yarp|Serilog)\b",
        f => f.IsBelowTheFloor);

    [Fact]
    public void OperatingSystemProcesses_AreTouchedInProcessesAlone() => Forbid(
        @"(?<![\w.])(System\.Diagnostics\.)?(ProcessStartInfo\b|Process\.(Start|GetProcess|GetCurrentProcess|Kill|EnterDebugMode)|new Process\()",
        f => f.Room != "Supervision.Processes" && !f.IsDemoRunner);

    [Fact]
    public void Forwarding_HappensInTheForwarderAlone() => Forbid(
        @"\bIHttpForwarder\b",
        f => f.Path != "MlxGateway/Inference/RunnerForwarder.cs");

    [Fact]
    public void Serilog_IsNamedInTelemetryAndTheProgramAlone() => Forbid(
        @"\bSerilog\b",
        f => f.Room != "Telemetry" && f.Path != "MlxGateway/Program.cs");

    [Fact]
    public void Time_IsAlwaysInjected() => Forbid(
        @"\b(DateTime\.(UtcNow|Now|Today)|DateTimeOffset\.(UtcNow|Now)|Stopwatch\.|Environment\.TickCount)",
        f => !f.IsDemoRunner);

    [Fact]
    public void Delays_AreTakenFromAClockThatTestsCanMove()
    {
        var real =
            from file in SourceTree.Files
            where !file.IsDemoRunner
            from call in CallsOf(file.Code, "Task.Delay(")
            where !ClockArgument().IsMatch(call)
            select $"{file}: {call}";

        Assert.Empty(real);
    }

    [Fact]
    public void Sleeping_IsNotWaiting() => Forbid(@"\bThread\.Sleep\(", _ => true);

    [Fact]
    public void Program_IsATableOfContents() =>
        Assert.InRange(SourceTree.Files.Single(f => f.Path == "MlxGateway/Program.cs").Text.TrimEnd().Split('\n').Length, 1, 60);

    [Fact]
    public void Usings_AreWrittenInTheFileThatNeedsThem() => Forbid(@"^\s*global using\b", _ => true);

    [Fact]
    public void Notes_NameOnlyWhatIsThere()
    {
        var code = string.Join('\n', SourceTree.Files.Select(f => f.Code));
        var stale =
            from room in SourceTree.Files.Select(f => f.Room).OfType<string>().Distinct()
            let note = Path.Combine(SourceTree.FolderOf(room), "README.md")
            where File.Exists(note)
            from Match name in BackTicked().Matches(File.ReadAllText(note))
            where !Regex.IsMatch(code, $@"\b{name.Groups[1].Value}\b")
            select $"{Path.GetRelativePath(SourceTree.Root, note)}: `{name.Groups[1].Value}`";

        Assert.Empty(stale);
    }

    [Fact]
    public void Rooms_ThatAreLarge_HaveANote()
    {
        var without =
            from room in SourceTree.Files.Where(f => f.Room is not null).GroupBy(f => f.Room!)
            where room.Count() > LargestRoomWithoutANote && !File.Exists(Path.Combine(SourceTree.FolderOf(room.Key), "README.md"))
            select room.Key;

        Assert.Empty(without);
    }

    private static void Forbid(string pattern, Func<SourceFile, bool> isWall)
    {
        var found =
            from file in SourceTree.Files.Where(isWall)
            from Match match in Regex.Matches(file.Code, pattern, RegexOptions.Multiline)
            select $"{file}: {match.Value}";

        Assert.Empty(found);
    }

    // Each call with its arguments, up to the parenthesis that closes it.
    private static IEnumerable<string> CallsOf(string code, string opening)
    {
        for (var at = code.IndexOf(opening, StringComparison.Ordinal); at >= 0; at = code.IndexOf(opening, at + 1, StringComparison.Ordinal))
        {
            var depth = 1;
            var end = at + opening.Length;
            while (end < code.Length && depth > 0)
            {
                depth += code[end] switch { '(' => 1, ')' => -1, _ => 0 };
                end++;
            }

            yield return code[at..end];
        }
    }

    [GeneratedRegex(@",\s*_?(time|clock|timeProvider)\b")]
    private static partial Regex ClockArgument();

    // With a small letter and a second capital: a type, a member or a key of the configuration, and not a word.
    [GeneratedRegex("`([A-Z][a-z0-9]+[A-Z][A-Za-z0-9]*)(?:<[^`]*>)?`")]
    private static partial Regex BackTicked();
}
