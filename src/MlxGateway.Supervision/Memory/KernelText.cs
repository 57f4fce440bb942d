using System.Globalization;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>Reads the two forms in which the kernel writes quantities.</summary>
internal static class KernelText
{
    /// <summary>The value of a line <c>Name:   123 kB</c>; null if there is none.</summary>
    public static ByteSize? Kilobytes(string text, string name)
    {
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] == ':')
            {
                var value = line[(name.Length + 1)..].Trim();
                return value.EndsWith(" kB", StringComparison.Ordinal) && Number(value[..^3]) is { } kilobytes and < (1L << 50) ? new ByteSize(kilobytes << 10) : null;
            }
        }

        return null;
    }

    /// <summary>The value of a line <c>name 123</c>, in bytes; null if there is none.</summary>
    public static ByteSize? Bytes(string text, string name) => Count(text, name) is { } bytes ? new ByteSize(bytes) : null;

    /// <summary>The value of a line <c>name 123</c>; null if there is none.</summary>
    public static long? Count(string text, string name)
    {
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(name, StringComparison.Ordinal) && line.Length > name.Length && line[name.Length] == ' ')
            {
                return Number(line[(name.Length + 1)..]);
            }
        }

        return null;
    }

    /// <summary>A file that holds one number of bytes; null for anything else, such as <c>max</c>.</summary>
    public static ByteSize? Bytes(string? text) => text is not null && Number(text) is { } bytes ? new ByteSize(bytes) : null;

    private static long? Number(ReadOnlySpan<char> text) => long.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
