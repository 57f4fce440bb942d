using System.Globalization;

namespace MlxGateway.Simulation;

/// <summary>What the command was asked to do.</summary>
/// <param name="First">The first seed.</param>
/// <param name="Last">The last seed.</param>
/// <param name="Events">About how much happens in each world.</param>
/// <param name="Verbose">Whether every line is printed.</param>
internal sealed record Arguments(ulong First, ulong Last, long Events, bool Verbose)
{
    public const string Usage = "[--seed N] [--seeds A..B] [--events N] [--verbose]";

    private const ulong LastByDefault = 200;
    private const long EventsByDefault = 5000;

    /// <exception cref="FormatException">They are not understood.</exception>
    public static Arguments Parse(IReadOnlyList<string> words)
    {
        var arguments = new Arguments(1, LastByDefault, EventsByDefault, Verbose: false);
        for (var i = 0; i < words.Count; i++)
        {
            string Value() => ++i < words.Count ? words[i] : throw new FormatException($"{words[i - 1]} wants a value.");
            arguments = words[i] switch
            {
                "--seed" => Numbers(Value()) is var (first, last) ? arguments with { First = first, Last = last } : arguments,
                "--seeds" => Numbers(Value()) is var (first, last) ? arguments with { First = first, Last = last } : arguments,
                "--events" => arguments with { Events = long.Parse(Value(), CultureInfo.InvariantCulture) },
                "--verbose" => arguments with { Verbose = true },
                var word => throw new FormatException($"{word} is not understood."),
            };
        }

        return arguments;
    }

    private static (ulong First, ulong Last) Numbers(string text)
    {
        var parts = text.Split("..");
        return (ulong.Parse(parts[0], CultureInfo.InvariantCulture), ulong.Parse(parts[^1], CultureInfo.InvariantCulture));
    }
}
