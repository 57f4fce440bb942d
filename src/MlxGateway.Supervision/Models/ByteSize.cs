using System.Buffers;
using System.Globalization;

namespace MlxGateway.Supervision.Models;

/// <summary>A quantity of memory or of file contents. Keeps bytes from being mistaken for counts or gigabytes. 1 GB is 2³⁰ bytes, as memory is sold.</summary>
/// <param name="Bytes">The number of bytes; negative only as a difference.</param>
public readonly record struct ByteSize(long Bytes) : IComparable<ByteSize>
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    /// <summary>No bytes.</summary>
    public static readonly ByteSize Zero;

    /// <summary>The largest quantity that can be written down.</summary>
    public static readonly ByteSize MaxValue = new(long.MaxValue);

    /// <summary>A quantity given in gigabytes of 2³⁰ bytes.</summary>
    public static ByteSize FromGigabytes(double value) => new((long)(value * (1L << 30)));

    /// <summary>A quantity given in megabytes of 2²⁰ bytes.</summary>
    public static ByteSize FromMegabytes(double value) => new((long)(value * (1L << 20)));

    /// <summary>Reads text with a unit: <c>18GB</c>, <c>1.5 GiB</c>, <c>512MB</c>, <c>64kb</c>, <c>100B</c>. A number without a unit is refused, because nobody can tell what it meant.</summary>
    public static bool TryParse(string? text, out ByteSize size)
    {
        size = default;
        if (text is null)
        {
            return false;
        }

        var trimmed = text.AsSpan().Trim();
        var digits = trimmed.IndexOfAnyExcept(Digits);
        if (digits <= 0 || !decimal.TryParse(trimmed[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        int? shift = trimmed[digits..].Trim().ToString().ToUpperInvariant() switch
        {
            "B" => 0,
            "KB" or "KIB" or "K" => 10,
            "MB" or "MIB" or "M" => 20,
            "GB" or "GIB" or "G" => 30,
            "TB" or "TIB" or "T" => 40,
            _ => null,
        };
        if (shift is null || number > (decimal)long.MaxValue / (1L << shift.Value))
        {
            return false;
        }

        size = new ByteSize((long)(number * (1L << shift.Value)));
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(ByteSize other) => Bytes.CompareTo(other.Bytes);

    public static ByteSize operator +(ByteSize left, ByteSize right) => new(left.Bytes + right.Bytes);

    public static ByteSize operator -(ByteSize left, ByteSize right) => new(left.Bytes - right.Bytes);

    public static bool operator <=(ByteSize left, ByteSize right) => left.Bytes <= right.Bytes;

    public static bool operator >=(ByteSize left, ByteSize right) => left.Bytes >= right.Bytes;

    public static bool operator <(ByteSize left, ByteSize right) => left.Bytes < right.Bytes;

    public static bool operator >(ByteSize left, ByteSize right) => left.Bytes > right.Bytes;

    /// <summary>The smaller of two quantities.</summary>
    public static ByteSize Min(ByteSize left, ByteSize right) => left <= right ? left : right;

    /// <summary>The larger of two quantities.</summary>
    public static ByteSize Max(ByteSize left, ByteSize right) => left >= right ? left : right;

    /// <summary>For people, with two decimals: <c>3.21 GB</c>, <c>512.00 MB</c>, <c>17 B</c>.</summary>
    public override string ToString() => Math.Abs(Bytes) switch
    {
        >= 1L << 30 => string.Create(CultureInfo.InvariantCulture, $"{Bytes / (double)(1L << 30):0.00} GB"),
        >= 1L << 20 => string.Create(CultureInfo.InvariantCulture, $"{Bytes / (double)(1L << 20):0.00} MB"),
        >= 1L << 10 => string.Create(CultureInfo.InvariantCulture, $"{Bytes / (double)(1L << 10):0.00} KB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Bytes} B"),
    };
}
