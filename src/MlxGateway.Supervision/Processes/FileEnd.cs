using System.Text;

namespace MlxGateway.Supervision.Processes;

/// <summary>Reads the last lines of a file that others may be writing to.</summary>
public static class FileEnd
{
    private const long LargestPiece = 4 << 20;
    private const long LongestLine = 4096;

    /// <summary>The last lines, oldest first; none if the file cannot be read. Of a large file only its last 4 MB are looked at, and of a line that a progress bar has rewritten only its newest state.</summary>
    /// <param name="path">The file.</param>
    /// <param name="count">How many lines at most.</param>
    public static IReadOnlyList<string> Lines(string path, int count)
    {
        try
        {
            using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var length = RandomAccess.GetLength(file);
            var from = Math.Max(0, length - Math.Min(LargestPiece, (count + 1) * LongestLine));
            var bytes = new byte[length - from];
            var text = bytes.AsSpan(0, RandomAccess.Read(file, bytes, from));
            if (from > 0)
            {
                text = text[(text.IndexOf((byte)'\n') + 1)..]; // what is in front of it is half a line
            }

            var lines = Encoding.UTF8.GetString(text).Split('\n');
            return [.. lines.Take(lines[^1].Length == 0 ? lines.Length - 1 : lines.Length).TakeLast(count).Select(Newest)];
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string Newest(string line)
    {
        line = line.TrimEnd('\r');
        return line[(line.LastIndexOf('\r') + 1)..];
    }
}
