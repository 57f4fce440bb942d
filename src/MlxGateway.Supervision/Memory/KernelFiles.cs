using System.Globalization;

namespace MlxGateway.Supervision.Memory;

/// <summary>The real files.</summary>
internal sealed class KernelFiles : IKernelFiles
{
    /// <inheritdoc/>
    public string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // a process that ended while its file was read is an IOException too (ESRCH)
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<int> Processes()
    {
        try
        {
            var pids = new List<int>();
            foreach (var folder in Directory.EnumerateDirectories("/proc"))
            {
                if (int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
                {
                    pids.Add(pid);
                }
            }

            return pids;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
