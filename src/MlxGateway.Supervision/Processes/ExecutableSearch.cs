namespace MlxGateway.Supervision.Processes;

/// <summary>Finds the file that a command means, the way a shell would, and says in a sentence why there is none.</summary>
internal static class ExecutableSearch
{
    private const int MayExecute = 1;

    /// <returns>An absolute path.</returns>
    /// <exception cref="ChildStartException">There is none, or it cannot be executed.</exception>
    public static string Find(ChildCommand command)
    {
        var name = command.Executable;
        if (name.Length == 0)
        {
            throw new ChildStartException("There is nothing to start: the command is empty.");
        }

        // With a slash it is a path; a relative one is meant from where the child starts, as after "cd".
        return name.Contains('/', StringComparison.Ordinal)
            ? Checked(Path.GetFullPath(name, WorkingDirectory(command) ?? Environment.CurrentDirectory))
            : FindOnPath(name, command.Environment.GetValueOrDefault("PATH") ?? "", WorkingDirectory(command) ?? Environment.CurrentDirectory);
    }

    /// <summary>The absolute path where the child starts; null: where the gateway is.</summary>
    /// <exception cref="ChildStartException">It is not there.</exception>
    public static string? WorkingDirectory(ChildCommand command)
    {
        if (command.WorkingDirectory is not { } directory)
        {
            return null;
        }

        var path = Path.GetFullPath(directory);
        return Directory.Exists(path) ? path : throw new ChildStartException($"The working directory \"{path}\" does not exist.");
    }

    private static string FindOnPath(string name, string path, string workingDirectory)
    {
        var directories = path.Split(':').Where(directory => directory.Length > 0).ToList();
        string? forbidden = null;
        foreach (var directory in directories)
        {
            var candidate = Path.Combine(Path.GetFullPath(directory, workingDirectory), name);
            if (!File.Exists(candidate))
            {
                continue;
            }

            if (LibC.access(candidate, MayExecute) == 0)
            {
                return candidate;
            }

            forbidden ??= candidate;
        }

        throw new ChildStartException(
            forbidden is not null ? $"\"{forbidden}\" is not executable."
            : directories.Count == 0 ? $"\"{name}\" cannot be looked up: its environment has no PATH."
            : $"\"{name}\" is not found on PATH ({string.Join(':', directories)}).");
    }

    private static string Checked(string path) =>
        Directory.Exists(path) ? throw new ChildStartException($"\"{path}\" is a folder, not a program.")
        : !File.Exists(path) ? throw new ChildStartException($"\"{path}\" does not exist.")
        : LibC.access(path, MayExecute) != 0 ? throw new ChildStartException($"\"{path}\" is not executable.")
        : path;
}
