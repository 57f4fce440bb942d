namespace MlxGateway.Supervision.Runners.Engines;

/// <summary>Where people really have programs: the active environment, the path, and the homes of the usual installers.</summary>
internal static class ExecutablePlaces
{
    /// <summary>Every existing file of that name, best first, each once.</summary>
    public static IEnumerable<string> Of(string name) => Folders()
        .Where(folder => folder.Length > 0 && Path.IsPathRooted(folder))
        .Select(folder => Path.Combine(folder, name))
        .Distinct(StringComparer.Ordinal)
        .Where(File.Exists);

    private static IEnumerable<string> Folders()
    {
        var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        foreach (var prefix in new[] { "VIRTUAL_ENV", "CONDA_PREFIX", "HOMEBREW_PREFIX" })
        {
            if (Environment.GetEnvironmentVariable(prefix) is { Length: > 0 } folder)
            {
                yield return Path.Combine(folder, "bin");
            }
        }

        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
        {
            yield return folder;
        }

        // A gateway started by launchd or systemd has a short PATH, without any of these.
        yield return "/opt/homebrew/bin";
        yield return "/usr/local/bin";
        yield return "/home/linuxbrew/.linuxbrew/bin";
        yield return "/opt/local/bin";
        yield return Path.Combine(home, ".local", "bin");
        yield return Path.Combine(home, "bin");
        yield return Path.Combine(home, ".nix-profile", "bin");
        yield return "/run/current-system/sw/bin";
        yield return "/snap/bin";
        yield return Path.Combine(home, "llama.cpp", "build", "bin");
        yield return Path.Combine(home, "llama.cpp");
    }
}
