using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace MlxGateway.Architecture.Tests;

/// <summary>One file of the product.</summary>
/// <param name="Path">Its path below <c>src</c>, with slashes.</param>
/// <param name="Room">The room whose folder it lies in; null: none.</param>
/// <param name="Code">Its text without comments and strings.</param>
/// <param name="Text">Its text.</param>
internal sealed record SourceFile(string Path, string? Room, string Code, string Text)
{
    public bool IsBelowTheFloor => Path.StartsWith("MlxGateway.Supervision/", StringComparison.Ordinal);

    public bool IsDemoRunner => Path.StartsWith("MlxGateway.DemoRunner/", StringComparison.Ordinal);

    public override string ToString() => Path;
}

/// <summary>The product's sources. A file belongs to the room in whose folder it lies: extension classes lie in namespaces of the framework.</summary>
internal static partial class SourceTree
{
    public static string Root { get; } = System.IO.Path.Combine(RepositoryRoot(), "src");

    public static IReadOnlyList<SourceFile> Files { get; } = [.. Read()];

    /// <summary>The folder of a room.</summary>
    public static string FolderOf(string room) => room.StartsWith("Supervision.", StringComparison.Ordinal)
        ? System.IO.Path.Combine(Root, "MlxGateway.Supervision", room["Supervision.".Length..])
        : System.IO.Path.Combine(Root, "MlxGateway", room);

    /// <summary>The names of the types that are declared in these files.</summary>
    public static HashSet<string> TypesOf(IEnumerable<SourceFile> files) =>
        [.. files.SelectMany(f => Declaration().Matches(f.Code)).Select(m => m.Groups[1].Value)];

    private static IEnumerable<SourceFile> Read() =>
        from full in Directory.EnumerateFiles(Root, "*.cs", SearchOption.AllDirectories)
        let path = System.IO.Path.GetRelativePath(Root, full).Replace('\\', '/')
        where !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal)
        let text = File.ReadAllText(full)
        select new SourceFile(path, RoomOf(path), Unspoken().Replace(text, m => m.Value.StartsWith('/') ? "" : "\"\""), text);

    private static string? RoomOf(string path) => path.Split('/') switch
    {
        ["MlxGateway.Supervision", var room, _, ..] => $"Supervision.{room}",
        ["MlxGateway", var room, _, ..] => room,
        _ => null,
    };

    private static string RepositoryRoot([CallerFilePath] string here = "") =>
        System.IO.Path.GetFullPath(System.IO.Path.Combine(System.IO.Path.GetDirectoryName(here)!, "..", ".."));

    [GeneratedRegex("""//[^\n]*|/\*[\s\S]*?\*/|\"{3}[\s\S]*?\"{3}|@"(?:""|[^"])*"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])'""")]
    private static partial Regex Unspoken();

    [GeneratedRegex(@"\b(?:class|struct|record struct|record class|record|interface|enum)\s+([A-Z]\w*)")]
    private static partial Regex Declaration();
}
