using System.Globalization;

namespace MlxGateway.Benchmarks;

/// <summary>Switches with a value behind them, or alone. Whoever asks for one takes it; what nobody takes is an error.</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, string> _values = [];

    /// <summary>Reads <c>--name value</c> and <c>--name</c>.</summary>
    /// <exception cref="FormatException">Something is no switch.</exception>
    public static Arguments Parse(ReadOnlySpan<string> args)
    {
        var parsed = new Arguments();
        while (!args.IsEmpty)
        {
            if (!args[0].StartsWith("--", StringComparison.Ordinal))
            {
                throw new FormatException($"unknown argument '{args[0]}'");
            }

            var hasValue = args.Length > 1 && !args[1].StartsWith("--", StringComparison.Ordinal);
            parsed._values[args[0][2..]] = hasValue ? args[1] : "";
            args = args[(hasValue ? 2 : 1)..];
        }

        return parsed;
    }

    /// <summary>The text behind the switch; null: it is not there.</summary>
    public string? Text(string name) => _values.Remove(name, out var value) ? value : null;

    /// <summary>The number behind the switch.</summary>
    public int Number(string name, int otherwise) => Text(name) is { } text
        ? int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw new FormatException($"--{name} wants a number")
        : otherwise;

    /// <summary>Whether the switch is there.</summary>
    public bool Has(string name) => Text(name) is not null;

    /// <summary>Says that all switches have been asked for.</summary>
    /// <exception cref="FormatException">There are more.</exception>
    public void NoMore()
    {
        if (_values.Count > 0)
        {
            throw new FormatException($"unknown argument '--{_values.Keys.First()}'");
        }
    }
}
