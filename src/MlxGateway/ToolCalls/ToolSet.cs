namespace MlxGateway.ToolCalls;

/// <summary>The functions of one request, by their names.</summary>
internal sealed class ToolSet(IReadOnlyList<Tool> tools)
{
    private readonly Dictionary<string, Tool>.AlternateLookup<ReadOnlySpan<char>> _byName =
        tools.DistinctBy(static tool => tool.Name).ToDictionary(static tool => tool.Name, StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>All of them, in the order of the request.</summary>
    public IReadOnlyList<Tool> All => tools;

    /// <summary>The one of that name, or null.</summary>
    public Tool? Find(ReadOnlySpan<char> name) => _byName.TryGetValue(name, out var tool) ? tool : null;

    /// <summary>The one whose name stands at the front of a code, with nothing behind it that would make it a longer one; null: there is none.</summary>
    public Tool? FindAtFrontOf(ReadOnlySpan<char> code)
    {
        Tool? longest = null;
        foreach (var tool in tools)
        {
            longest = code.StartsWith(tool.Name) && tool.Name.Length > (longest?.Name.Length ?? 0) ? tool : longest;
        }

        return longest is { Name.Length: var length } && (length == code.Length || !(char.IsAsciiLetterOrDigit(code[length]) || code[length] == '_')) ? longest : null;
    }
}
