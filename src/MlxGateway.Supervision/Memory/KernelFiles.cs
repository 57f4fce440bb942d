using System.Globalization;
using System.Text;
using MlxGateway.Supervision.Processes;

namespace MlxGateway.Supervision.Memory;

/// <summary>The real files.</summary>
internal sealed class KernelFiles : IKernelFiles
{
    /// <inheritdoc/>
    public string? Read(string path) => ProcFile.TryRead(path) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

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
