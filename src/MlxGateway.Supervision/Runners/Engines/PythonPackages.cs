namespace MlxGateway.Supervision.Runners.Engines;

/// <summary>The commands that change what a Python has, for a person to run. Those of <c>uv tool</c> and <c>pipx</c> mostly have no pip. Pure.</summary>
internal static class PythonPackages
{
    /// <summary>The command that adds a package to the Python of an engine.</summary>
    /// <param name="python">The interpreter's path.</param>
    /// <param name="engine">The package of the engine.</param>
    /// <param name="package">What is missing.</param>
    public static string Add(string python, string engine, string package) =>
        IsOf(python, "uv/tools") ? $"uv tool install {engine} --with {package}"
        : IsOf(python, "pipx/venvs") ? $"pipx inject {engine} {package}"
        : $"{python} -m pip install {package}";

    /// <summary>The command that brings the engine up to date.</summary>
    /// <param name="python">The interpreter's path.</param>
    /// <param name="engine">The package of the engine.</param>
    public static string Upgrade(string python, string engine) =>
        IsOf(python, "uv/tools") ? $"uv tool upgrade {engine}"
        : IsOf(python, "pipx/venvs") ? $"pipx upgrade {engine}"
        : $"{python} -m pip install --upgrade {engine}";

    private static bool IsOf(string python, string place) => python.Contains($"/{place}/", StringComparison.Ordinal);
}
