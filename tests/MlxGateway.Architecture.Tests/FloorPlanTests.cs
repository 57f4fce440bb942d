using System.Text.RegularExpressions;
using Xunit;

namespace MlxGateway.Architecture.Tests;

/// <summary>
/// The floor plan of the house. Every room lists the rooms it may look into; a door that is not listed is a wall.
/// Adding a door is a decision, so it is made here, in plain sight.
/// </summary>
public sealed class FloorPlanTests
{
    private const string Settings = "Supervision.Settings";
    private const string Models = "Supervision.Models";
    private const string Processes = "Supervision.Processes";
    private const string Memory = "Supervision.Memory";
    private const string Runners = "Supervision.Runners";
    private const string Residency = "Supervision.Residency";
    private const string Downloads = "Supervision.Downloads";
    private const string Inference = "Inference";
    private const string Hosting = "Hosting";

    private static readonly Dictionary<string, string[]> Doors = new()
    {
        // Below the floor.
        [Settings] = [],
        [Models] = [Settings],
        [Processes] = [],
        [Memory] = [Models, Processes, Settings], // both read what the kernel says of processes, hundreds of small files at a time
        [Runners] = [Models, Processes, Settings],
        [Residency] = [Runners, Memory, Models, Settings],
        [Downloads] = [Models, Memory, Processes, Runners, Settings], // the Python of the engines fetches; memory says whether it would run here

        // The house: the hub, and the spokes around it.
        [Inference] = [Models, Memory, Processes, Residency, Runners, Downloads], // a request may wait for a model that is still on its way to the disk; what is remembered of ports is as private as all state
        ["Access"] = [Settings, Models, Inference], // it says what is wrong with its own settings
        ["Admin"] = [Inference, Models, Processes, Residency, Runners, Downloads], // it shows what runners wrote, and the ends of log files
        ["ApiReference"] = [Inference],
        ["Commands"] = [Settings, Models, Processes, Memory, Runners], // it talks to the gateway over HTTP alone; it looks below the floor for what keeps one from starting
        ["ContextWindow"] = [Inference, Models, Residency, Runners],
        ["Mcp"] = [Inference, Models, Memory, Residency, Runners, Downloads],
        ["RemoteImages"] = [Inference, Models],
        ["ToolCalls"] = [Inference, Models, Residency, Runners],
        ["Telemetry"] = [Inference, Models, Memory, Residency, Settings], // it shows who is in memory and what that takes; what happened reaches it by the runtime's own instruments

        // The entrance hall: the options of every room come together in it, and nobody looks back into it.
        [Hosting] = [Settings, Models, Processes, Memory, Runners, Residency, Downloads, Inference, "Access", "Admin", "ApiReference", "Commands", "ContextWindow", "Mcp", "RemoteImages", "Telemetry", "ToolCalls"],
    };

    private static readonly string[] Spokes = ["Access", "Admin", "ApiReference", "Commands", "ContextWindow", "Mcp", "RemoteImages", "Telemetry", "ToolCalls"];

    public static TheoryData<string> Rooms => [.. Doors.Keys];

    [Theory]
    [MemberData(nameof(Rooms))]
    public void Room_LooksOnlyThroughItsDoors(string room)
    {
        var illegal =
            from file in SourceTree.Files
            where file.Room == room
            from target in Doors.Keys
            where target != room && !Doors[room].Contains(target) && LooksInto(file, target)
            select $"{file} looks into {target}";

        Assert.Empty(illegal);
    }

    [Fact]
    public void Rooms_HaveNoCircles() => Assert.All(Doors.Keys, room => Assert.DoesNotContain(room, Reachable(room)));

    [Fact]
    public void Spokes_NeverSeeEachOther() => Assert.All(Spokes, spoke => Assert.Empty(Reachable(spoke).Intersect(Spokes)));

    [Fact]
    public void TheHub_SeesNoSpoke() => Assert.Empty(Reachable(Inference).Intersect([.. Spokes, Hosting]));

    [Fact]
    public void EntranceHall_IsSeenByTheProgramAlone() => Assert.All(Doors.Where(d => d.Key != Hosting), d => Assert.DoesNotContain(Hosting, d.Value));

    [Fact]
    public void Rooms_AreAllOnThePlan() =>
        Assert.Equal(Doors.Keys.Order(StringComparer.Ordinal), SourceTree.Files.Select(f => f.Room).OfType<string>().Distinct().Order(StringComparer.Ordinal));

    [Fact]
    public void Files_AllLieInARoom() =>
        Assert.Equal(["MlxGateway/Program.cs"], SourceTree.Files.Where(f => f.Room is null && !f.IsDemoRunner).Select(f => f.Path));

    [Fact]
    public void Namespaces_AreThoseOfTheirRooms()
    {
        // Extension classes are found where people look for them, in the framework's namespaces.
        var misplaced =
            from file in SourceTree.Files
            where file.Room is not null
            let space = Regex.Match(file.Code, @"^namespace ([\w.]+);", RegexOptions.Multiline).Groups[1].Value
            where space != $"MlxGateway.{file.Room}" && !space.StartsWith($"MlxGateway.{file.Room}.", StringComparison.Ordinal) && !space.StartsWith("Microsoft.", StringComparison.Ordinal)
            select $"{file} is in {space}";

        Assert.Empty(misplaced);
    }

    [Fact]
    public void ExtensionsInNamespacesOfTheFramework_AreCalledOnlyFromTheirRoomAndTheProgram()
    {
        // They need no using of ours, so the doors above would not see them.
        var calls =
            from home in SourceTree.Files
            where home.Room is not null && Regex.IsMatch(home.Code, @"^namespace Microsoft\.", RegexOptions.Multiline)
            from Match method in Regex.Matches(home.Code, @"\bstatic [\w<>.?]+ (\w+)(?:<\w+>)?\(this ")
            from file in SourceTree.Files
            where file.Room != home.Room && file.Room is not null && Regex.IsMatch(file.Code, $@"\.{method.Groups[1].Value}\(")
            select $"{file} calls {method.Groups[1].Value} of {home.Room}";

        Assert.Empty(calls);
    }

    private static bool LooksInto(SourceFile file, string room) =>
        Regex.IsMatch(file.Code, $@"(?<![\w.])MlxGateway\.{Regex.Escape(room)}\b") || NamesATypeOf(file, room);

    // A namespace may also be named from a sister of it, by its last word.
    private static bool NamesATypeOf(SourceFile file, string room)
    {
        var types = SourceTree.TypesOf(SourceTree.Files.Where(f => f.Room == room));
        return Regex.Matches(file.Code, $@"(?<![\w.])(?:Supervision\.)?{Regex.Escape(room.Split('.')[^1])}\.([A-Z]\w*)").Any(m => types.Contains(m.Groups[1].Value));
    }

    private static HashSet<string> Reachable(string room)
    {
        var seen = new HashSet<string>();
        var next = new Stack<string>(Doors[room]);
        while (next.TryPop(out var target))
        {
            if (seen.Add(target))
            {
                Array.ForEach(Doors[target], next.Push);
            }
        }

        return seen;
    }
}
