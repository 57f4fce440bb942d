using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>What macOS is asked. A seam: what is made of the answers is tried on any system.</summary>
internal interface IMacSystem
{
    /// <summary>A number that the kernel knows by a name; null if it does not know it or does not tell.</summary>
    long? Number(string name);

    /// <summary>The pages as the kernel counts them now; null if it does not tell.</summary>
    MacPages? Pages();

    /// <summary>What one process takes; null once it is gone.</summary>
    MacUsage? Usage(int pid);

    /// <summary>The processes of a group.</summary>
    IReadOnlyList<int> Group(int leader);

    /// <summary>The children of a process.</summary>
    IReadOnlyList<int> Children(int pid);

    /// <summary>What one of the system's own programs writes, at most 64 KB of it; null if it fails. It must be one that ends by itself at once.</summary>
    string? Output(string commandLine);
}
