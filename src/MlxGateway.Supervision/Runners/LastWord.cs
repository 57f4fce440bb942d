using System.Text.Json;

namespace MlxGateway.Supervision.Runners;

/// <summary>The line in which a companion says why it ends: <c>{"event": "exit", "code": 70, "reason": "…"}</c>.</summary>
internal static class LastWord
{
    private const int LinesToLookAt = 8; // a thread that was still writing may have had the very last one

    /// <summary>The reason.</summary>
    /// <param name="lines">A runner's last lines, oldest first.</param>
    /// <returns>Null: there is no such line.</returns>
    public static string? In(IReadOnlyList<string> lines) =>
        lines.TakeLast(LinesToLookAt).Reverse().Where(l => l.StartsWith("""{"event": "exit",""", StringComparison.Ordinal)).Select(ReasonOf).FirstOrDefault(r => !string.IsNullOrWhiteSpace(r));

    private static string? ReasonOf(string line)
    {
        try
        {
            using var said = JsonDocument.Parse(line);
            return said.RootElement.TryGetProperty("reason", out var reason) && reason.ValueKind == JsonValueKind.String ? reason.GetString() : null;
        }
        catch (JsonException)
        {
            return null; // cut, for it was too long
        }
    }
}
