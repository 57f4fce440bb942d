using MlxGateway.Supervision.Processes;

namespace MlxGateway.Supervision.Runners.Engines;

/// <summary>Asks a program something about itself: runs it with arguments that make it say something and end.</summary>
internal sealed class EngineProbe(IChildProcesses processes, TimeProvider time)
{
    // More than any engine has to say of itself; what floods is not listened to for ever.
    private const int MostLines = 5000;

    /// <summary>Runs it to its end, or ends it when the time is over. Nothing of it is left afterwards. Never throws but for cancellation.</summary>
    /// <param name="label">For the log file's name.</param>
    /// <param name="executable">An absolute path.</param>
    /// <param name="arguments">What makes it speak.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public async Task<ProbeAnswer> AskAsync(string label, string executable, IReadOnlyList<string> arguments, TimeSpan timeout, CancellationToken cancellationToken)
    {
        ChildProcess child;
        try
        {
            child = processes.Start(new ChildCommand { Label = label, Executable = executable, Arguments = arguments, Environment = RunnerEnvironment.Cleaned() });
        }
        catch (ChildStartException failed)
        {
            return new ProbeAnswer(null, [], failed.Message);
        }

        try
        {
            var exit = await child.Exited.WaitAsync(timeout, time, cancellationToken);
            return new ProbeAnswer(exit, Written(child.Output.LogFilePath), null);
        }
        catch (TimeoutException)
        {
            return new ProbeAnswer(null, [], null);
        }
        finally
        {
            await child.StopAsync(TimeSpan.FromSeconds(1));
            Forget(child);
        }
    }

    // From the file: the child remembers its last lines only, and a list of flags is longer.
    private static IReadOnlyList<string> Written(string log)
    {
        try
        {
            return [.. File.ReadLines(log).Take(MostLines)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    // Only so many logs are kept, and those of runners are worth more.
    private static void Forget(ChildProcess child)
    {
        try
        {
            File.Delete(child.Output.LogFilePath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }
}

/// <summary>What a program said of itself.</summary>
/// <param name="Exit">How it ended; null: it did not, or was not even started.</param>
/// <param name="Lines">What it wrote.</param>
/// <param name="NotStarted">Why it could not be started; null: it was.</param>
internal sealed record ProbeAnswer(ChildExit? Exit, IReadOnlyList<string> Lines, string? NotStarted);
