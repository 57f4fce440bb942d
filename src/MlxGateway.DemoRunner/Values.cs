using System.Globalization;

namespace MlxGateway.DemoRunner;

/// <summary>Reads the values of switches. Each method throws <see cref="FormatException"/> with words for a person.</summary>
internal static class Values
{
    /// <summary>A whole number within bounds, both included.</summary>
    public static int Whole(string text, int least, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new FormatException($"'{text}' is not a whole number from {least} to {most}");

    /// <summary>How many of something: zero or more.</summary>
    public static int Count(string text) => Whole(text, 0, int.MaxValue);

    /// <summary>Seconds with an optional fraction, up to a day.</summary>
    public static TimeSpan Seconds(string text) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds <= 86_400
            ? TimeSpan.FromSeconds(seconds)
            : throw new FormatException($"'{text}' is not a number of seconds from 0 to 86400");

    /// <summary>What a switch without an argument is set to.</summary>
    public static bool Flag(string text) => text switch
    {
        "true" => true,
        "false" => false,
        _ => throw new FormatException($"'{text}' is neither true nor false"),
    };

    /// <summary>Bytes, written with a unit: <c>300MB</c>, <c>1.5GB</c>; a unit is 1024 times the one before it.</summary>
    public static long Bytes(string text)
    {
        var unit = text.AsSpan().TrimStart("0123456789.");
        var scale = unit switch { "B" => 1L, "KB" => 1L << 10, "MB" => 1L << 20, "GB" => 1L << 30, _ => 0L };
        return scale > 0 && double.TryParse(text.AsSpan(0, text.Length - unit.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            ? (long)(number * scale)
            : throw new FormatException($"'{text}' is not a size such as 300MB (units: B, KB, MB, GB)");
    }

    /// <summary>One of several words.</summary>
    public static T Word<T>(string text)
        where T : struct, Enum =>
        Enum.TryParse<T>(text, ignoreCase: true, out var value) && !char.IsAsciiDigit(text[0])
            ? value
            : throw new FormatException($"'{text}' is none of {string.Join(", ", Enum.GetNames<T>()).ToLowerInvariant()}");
}
