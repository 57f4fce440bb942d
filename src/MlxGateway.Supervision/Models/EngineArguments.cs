using System.Globalization;

namespace MlxGateway.Supervision.Models;

/// <summary>What a user wrote into <c>Args</c>: whoever adds arguments, or works out what they mean for the memory, looks here first. Flags may be written <c>--flag value</c> or <c>--flag=value</c>; the last one counts.</summary>
public readonly struct EngineArguments(IReadOnlyList<string> arguments)
{
    /// <summary>Whether one of the names of a flag is there.</summary>
    public bool Has(params ReadOnlySpan<string> names)
    {
        foreach (var argument in arguments)
        {
            if (LengthOfName(argument, names) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The value of a flag, by any of its names; null where it is not there or has none.</summary>
    public string? Text(params ReadOnlySpan<string> names)
    {
        for (var i = arguments.Count - 1; i >= 0; i--)
        {
            if (LengthOfName(arguments[i], names) is var length and >= 0)
            {
                return arguments[i].Length > length ? arguments[i][(length + 1)..] : i + 1 < arguments.Count ? arguments[i + 1] : null;
            }
        }

        return null;
    }

    /// <summary>The value of a flag as a whole number; null where it is not there or is none.</summary>
    public int? Number(params ReadOnlySpan<string> names) =>
        int.TryParse(Text(names), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    // The length of the name that the argument is, or begins with before an equals sign; -1: none of them.
    private static int LengthOfName(string argument, ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (argument.StartsWith(name, StringComparison.Ordinal) && (argument.Length == name.Length || argument[name.Length] == '='))
            {
                return name.Length;
            }
        }

        return -1;
    }
}
