using System.Diagnostics;

namespace MlxGateway.Supervision.Processes;

/// <summary>Finds out who listens on a port, for a message to a person.</summary>
public static class PortHolder
{
    /// <summary>For example <c>python3 (process 4711)</c>; null: nobody does, or the system does not say.</summary>
    public static string? Describe(int port)
    {
        try
        {
            var table = ProcessTables.ForThisSystem();
            foreach (var pid in table.All().Select(entry => entry.Pid))
            {
                if (table.AnyListens([pid], port) == true)
                {
                    using var holder = Process.GetProcessById(pid);
                    return $"{holder.ProcessName} (process {pid})";
                }
            }
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            // It ended while we looked, or is not ours to look at. The message does without.
        }

        return null;
    }
}
