using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Runners.Engines;

/// <summary>Where people really have a Python with MLX: the active environment, the path, the tools of uv and pipx, Homebrew, conda and pyenv.</summary>
internal static partial class PythonPlaces
{
    private static readonly string[] Names = ["python3", "python"];
    private static readonly string[] ActiveEnvironments = ["VIRTUAL_ENV", "CONDA_PREFIX"];
    private static readonly string[] HomebrewFolders = ["/opt/homebrew", "/usr/local", "/home/linuxbrew/.linuxbrew"];
    private static readonly string[] CondaFolders = ["miniforge3", "miniconda3", "mambaforge", "anaconda3", "/opt/homebrew/Caskroom/miniforge/base", "/opt/homebrew/Caskroom/miniconda/base"];

    /// <summary>Every interpreter, best first, each once.</summary>
    /// <param name="script">The program that the package installs: its first line names the interpreter.</param>
    public static IEnumerable<string> For(string script) => Candidates(script).Distinct(StringComparer.Ordinal).Where(IsNoTrap);

    /// <summary>The interpreter that a script of Python is started with; null: it does not say.</summary>
    internal static string? InterpreterOf(string script)
    {
        try
        {
            // An interpreter whose path is long or has spaces is named in the second line, for the shell.
            return File.ReadLines(script).Take(2).Select(l => Interpreter().Match(l)).FirstOrDefault(m => m.Success)?.Groups["path"].Value;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static IEnumerable<string> Candidates(string script)
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        var active = ActiveEnvironments.Select(Variable).OfType<string>().Select(Bin);
        var path = (Variable("PATH") ?? "").Split(Path.PathSeparator).Where(Path.IsPathRooted);
        var named = ExecutablePlaces.Of(script).Select(InterpreterOf).OfType<string>().Where(File.Exists);
        return active.Concat(path).SelectMany(In).Concat(named).Concat(Environments(home).SelectMany(folder => In(Bin(folder))));
    }

    private static IEnumerable<string> Environments(string home)
    {
        string At(params string[] parts) => Path.Combine([home, .. parts]);
        return Within(Variable("UV_TOOL_DIR") ?? Path.Combine(Variable("XDG_DATA_HOME") ?? At(".local", "share"), "uv", "tools"))
            .Concat(Within(Variable("PIPX_HOME") is { } pipx ? Path.Combine(pipx, "venvs") : null))
            .Concat(Within(At(".local", "share", "pipx", "venvs")))
            .Concat(Within(At(".local", "pipx", "venvs")))
            .Concat(Within(At("Library", "Application Support", "pipx", "venvs")))
            .Concat(HomebrewFolders.Prepend(Variable("HOMEBREW_PREFIX")).OfType<string>())
            .Concat(CondaFolders.Select(name => At(name)).SelectMany(conda => Within(Path.Combine(conda, "envs")).Prepend(conda)))
            .Concat(Within(Path.Combine(Variable("PYENV_ROOT") ?? At(".pyenv"), "versions")));
    }

    // What is called after MLX comes first: there may be dozens of other tools.
    private static IEnumerable<string> Within(string? folder)
    {
        try
        {
            return folder is null || !Directory.Exists(folder)
                ? []
                : Directory.GetDirectories(folder).OrderBy(d => !Path.GetFileName(d).Contains("mlx", StringComparison.OrdinalIgnoreCase)).ThenBy(d => d, StringComparer.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static IEnumerable<string> In(string folder) => Names.Select(name => Path.Combine(folder, name)).Where(File.Exists).Take(1);

    private static string Bin(string folder) => Path.Combine(folder, "bin");

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    // On a Mac without the developer tools this one opens a window that offers to install them.
    private static bool IsNoTrap(string python) =>
        python != "/usr/bin/python3" || !OperatingSystem.IsMacOS() || Directory.Exists("/Library/Developer/CommandLineTools") || Directory.Exists("/Applications/Xcode.app");

    [GeneratedRegex("""^(#!\s*|'''exec'\s+"?)(?<path>/[^"]*?/python[\d.]*)("|\s|$)""")]
    private static partial Regex Interpreter();
}
