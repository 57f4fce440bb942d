using System.Reflection;

namespace MlxGateway.Inference.Describing;

/// <summary>Which gateway this is, for whoever is told over the wire.</summary>
internal static class GatewayVersion
{
    /// <summary>All that the build says: the number, and behind a plus the commit where it was built from one.</summary>
    public static string Whole { get; } = typeof(GatewayVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";

    /// <summary>For example <c>0.1.0</c>.</summary>
    public static string Number { get; } = Whole.Split('+')[0];

    /// <summary>The commit; null: it is not known.</summary>
    public static string? Commit { get; } = Whole.Split('+', 2) is [_, var commit] ? commit : null;
}
