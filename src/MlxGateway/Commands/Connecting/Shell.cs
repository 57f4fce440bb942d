namespace MlxGateway.Commands.Connecting;

/// <summary>Writes words so that a shell takes them as they are.</summary>
internal static class Shell
{
    /// <summary>In quotes only where they are needed.</summary>
    public static string Word(string text) =>
        text.Length > 0 && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_' or ':' or '@' or '+' or ',' or '%') ? text : "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
