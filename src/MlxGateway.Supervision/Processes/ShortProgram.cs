using System.ComponentModel;
using System.Diagnostics;

namespace MlxGateway.Supervision.Processes;

/// <summary>Runs a program of the system's that does one thing and ends, for a person who waits for it.</summary>
public static class ShortProgram
{
    /// <summary>Runs it to its end; one that takes longer than a minute is ended.</summary>
    /// <param name="command">The program, looked up on the path, and its arguments, which pass through no shell.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <returns>Its exit code and what it wrote; the code is null if it could not be started, and the text says why.</returns>
    public static async Task<(int? ExitCode, string Output)> RunAsync(IReadOnlyList<string> command, TimeProvider time, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        using var process = new Process { StartInfo = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true } };
        try
        {
            process.Start();
        }
        catch (Exception missing) when (missing is Win32Exception or InvalidOperationException)
        {
            return (null, $"{command[0]} could not be started: {missing.Message}");
        }

        process.StandardInput.Close();
        try
        {
            var (output, errors) = (process.StandardOutput.ReadToEndAsync(either.Token), process.StandardError.ReadToEndAsync(either.Token));
            await process.WaitForExitAsync(either.Token);
            return (process.ExitCode, (await output + await errors).TrimEnd());
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (null, $"{command[0]} did not end within a minute");
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
