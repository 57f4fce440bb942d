using System.Reflection;

namespace MlxGateway.Commands;

/// <summary>Which program this is.</summary>
internal static class Versions
{
    /// <summary>For example <c>0.1.0</c>.</summary>
    public static string OfThisProgram { get; } =
        (typeof(Versions).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0").Split('+')[0];
}
