using System.Collections;

namespace MlxGateway.Supervision.Processes;

/// <summary>This very program, as a process of its own.</summary>
public static class OwnProgram
{
    /// <summary>Starts it in a session of its own, so that it stays when whoever started it goes. It inherits the environment and the working directory.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="log">The file that its output goes to; what is there is replaced.</param>
    /// <returns>Its process id.</returns>
    /// <exception cref="InvalidOperationException">It cannot be started.</exception>
    public static int Start(IReadOnlyList<string> arguments, string log)
    {
        PrivateFiles.CreateFolder(Path.GetDirectoryName(log)!);
        PrivateFiles.Create(log).Dispose();
        var path = Environment.ProcessPath ?? throw new InvalidOperationException("The system does not say which program this is.");
        string[] own = Environment.GetCommandLineArgs() is [var first, ..] && first.EndsWith(".dll", StringComparison.Ordinal) && Path.GetFileNameWithoutExtension(path) == "dotnet" ? [Path.GetFullPath(first)] : [];
        var environment = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            environment[(string)variable.Key] = (string?)variable.Value ?? "";
        }

        try
        {
            return Spawner.Spawn(new SpawnRequest(path, [path, .. own, .. arguments], environment, null, log, null));
        }
        catch (SpawnException refused)
        {
            throw new InvalidOperationException(refused.Explain(path), refused);
        }
    }
}
