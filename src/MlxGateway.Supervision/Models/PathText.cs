using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Models;

/// <summary>Turns a path as it is written into an absolute one.</summary>
internal static partial class PathText
{
    /// <summary>Puts the home directory in for a leading <c>~</c>, and variables in for <c>${NAME}</c>. A variable that is not set stays as it is written, so that it can be seen in what is then missing.</summary>
    public static string Expand(string text, Func<string, string?> variable)
    {
        var expanded = Reference().Replace(text, match => variable(match.Groups[1].Value) ?? match.Value);
        return (expanded == "~" || expanded.StartsWith("~/", StringComparison.Ordinal)) && variable("HOME") is { Length: > 0 } home
            ? home.TrimEnd('/') + expanded[1..]
            : expanded;
    }

    /// <summary>The absolute path; null if the text can be no path.</summary>
    public static string? Absolute(string text, ModelSettings settings)
    {
        var expanded = Expand(text, settings.Variable);
        return expanded.Length == 0 || expanded.Contains('\0', StringComparison.Ordinal) ? null : Path.GetFullPath(expanded, settings.BaseFolder);
    }

    [GeneratedRegex(@"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")]
    private static partial Regex Reference();
}
