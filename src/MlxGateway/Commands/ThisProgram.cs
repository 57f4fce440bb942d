namespace MlxGateway.Commands;

/// <summary>How this program is started once more.</summary>
internal static class ThisProgram
{
    /// <summary>The executable, and the words that must stand in front of all others: none but where it runs by <c>dotnet MlxGateway.dll</c>.</summary>
    public static (string Path, IReadOnlyList<string> Before) Words()
    {
        var path = Environment.ProcessPath ?? "MlxGateway";
        return Path.GetFileNameWithoutExtension(path) == "dotnet" ? (path, [Path.Combine(AppContext.BaseDirectory, "MlxGateway.dll")]) : (path, []);
    }
}
