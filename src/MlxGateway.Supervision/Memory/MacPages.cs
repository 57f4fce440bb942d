using System.Globalization;
using System.Text.RegularExpressions;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>The pages of a Mac that can be had without swapping or compressing anything.</summary>
/// <param name="Free">Pages that hold nothing.</param>
/// <param name="Purgeable">Pages whose owners have said that they may be taken. They are never file-backed.</param>
/// <param name="FileBacked">Pages that can be read again from their files; what was read ahead is among them.</param>
/// <param name="PageSize">In bytes.</param>
internal readonly partial record struct MacPages(long Free, long Purgeable, long FileBacked, long PageSize)
{
    /// <summary>All of them. Inactive pages are not asked for: many of them may be somebody's data, which would have to be compressed or swapped first.</summary>
    public ByteSize Available => new((Free + Purgeable + FileBacked) * PageSize);

    /// <summary>Reads what the program <c>vm_stat</c> writes; null if anything that is needed is not in it.</summary>
    public static MacPages? Parse(string vmStat)
    {
        var size = PageSizeLine().Match(vmStat);
        return size.Success
            && Number(size.Groups[1].Value) is { } pageSize and > 0 and <= 1 << 20
            && Count(vmStat, "Pages free:") is { } free
            && Count(vmStat, "Pages purgeable:") is { } purgeable
            && Count(vmStat, "File-backed pages:") is { } fileBacked
            ? new MacPages(free, purgeable, fileBacked, pageSize)
            : null;
    }

    private static long? Count(string text, string label)
    {
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(label, StringComparison.Ordinal))
            {
                return Number(line[label.Length..].Trim().TrimEnd('.')) is { } count and < (1L << 40) ? count : null;
            }
        }

        return null;
    }

    private static long? Number(ReadOnlySpan<char> text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    [GeneratedRegex(@"\(page size of ([0-9]+) bytes\)")]
    private static partial Regex PageSizeLine();
}
