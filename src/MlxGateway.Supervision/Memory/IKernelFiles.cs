namespace MlxGateway.Supervision.Memory;

/// <summary>The files in which the Linux kernel tells about itself. A seam: tests give their texts.</summary>
internal interface IKernelFiles
{
    /// <summary>The text of a file; null if it is not there or may not be read, as when its process has just ended.</summary>
    string? Read(string path);

    /// <summary>The ids of all processes that can be seen.</summary>
    IReadOnlyList<int> Processes();
}
