using System.Collections;

namespace MlxGateway.Supervision.Processes;

/// <summary>A program that is started in a session of its own and goes on when this one ends.</summary>
public sealed class DetachedProgram
{
    private readonly IProcessTable _table = ProcessTables.ForThisSystem();

    private DetachedProgram(int pid, string logFile)
    {
        Pid = pid;
        LogFile = logFile;
    }

    /// <summary>Its process.</summary>
    public int Pid { get; }

    /// <summary>The file that gets what it writes.</summary>
    public string LogFile { get; }

    /// <summary>Whether it is over.</summary>
    public bool HasEnded => _table.Find(Pid) is not { IsZombie: false };

    /// <summary>Starts it with this process's environment, and nothing to read.</summary>
    /// <param name="path">The program.</param>
    /// <param name="arguments">Its arguments, which pass through no shell.</param>
    /// <param name="logFile">The file that gets what it writes; what was in it is gone.</param>
    /// <exception cref="ChildStartException">It could not be started.</exception>
    public static DetachedProgram Start(string path, IReadOnlyList<string> arguments, string logFile)
    {
        try
        {
            PrivateFiles.CreateFolder(Path.GetDirectoryName(logFile)!);
            PrivateFiles.Create(logFile).Dispose();
            var environment = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(static v => (string)v.Key, static v => (string?)v.Value ?? "");
            return new DetachedProgram(Spawner.Spawn(new SpawnRequest(path, [path, .. arguments], environment, null, logFile, null)), logFile);
        }
        catch (SpawnException refused)
        {
            throw new ChildStartException(refused.Explain(path));
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new ChildStartException($"{logFile} cannot be written to: {refused.Message}");
        }
    }
}
