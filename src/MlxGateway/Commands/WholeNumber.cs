using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace MlxGateway.Commands;

/// <summary>Switches that take a number. What is none is said in words; the library's own sentence names a type of this program.</summary>
internal static class WholeNumber
{
    /// <summary>Reads one from 1 on.</summary>
    /// <param name="name">The switch.</param>
    /// <param name="most">The largest that makes sense.</param>
    public static Func<ArgumentResult, int> Of(string name, int most) => result =>
    {
        var text = result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most)
        {
            return number;
        }

        result.AddError($"{name}: \"{text}\" is not a number from 1 {(most == int.MaxValue ? "on" : $"to {most}")}.");
        return 0;
    };

    /// <summary>Holds a switch that names a port against what a port is.</summary>
    public static void BePort(OptionResult result)
    {
        if (result.Tokens is [.., var last] && !(int.TryParse(last.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= ushort.MaxValue))
        {
            result.AddError($"{result.Option.Name}: \"{last.Value}\" is not a port; write a number from 1 to 65535.");
        }
    }
}
