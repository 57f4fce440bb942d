using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Models;

/// <summary>The values of variables that a runner gets.</summary>
internal static partial class VariableText
{
    /// <summary>Replaces each <c>${NAME}</c> by the gateway's own variable; one that is not set becomes nothing.</summary>
    public static string Expand(string value) => Reference().Replace(value, m => Environment.GetEnvironmentVariable(m.Groups[1].Value) ?? "");

    [GeneratedRegex(@"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")]
    private static partial Regex Reference();
}
