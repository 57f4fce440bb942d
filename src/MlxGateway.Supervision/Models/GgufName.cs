using System.Globalization;
using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Models;

/// <summary>What the name of a GGUF file says: <c>NAME.gguf</c>, or <c>NAME-00002-of-00003.gguf</c> for one file of a series.</summary>
/// <param name="Stem">The name without its number and ending.</param>
/// <param name="Number">Which of the series it is, from 1.</param>
/// <param name="Count">How many the series has; 1 for a file of its own.</param>
internal readonly partial record struct GgufName(string Stem, int Number, int Count)
{
    // No model has more; a name that claims it is only a name.
    private const int MostFiles = 1024;

    /// <summary>Whether a model is launched with this file: it is the first of its series, and no projector that goes with another model.</summary>
    public bool IsLaunchable => Number == 1 && !IsProjector;

    /// <summary>Whether it turns images or sound into what another model reads. Most are called <c>mmproj-…</c>, some <c>…-mmproj-…</c>.</summary>
    public bool IsProjector => Stem.Contains("mmproj", StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads the name of a file.</summary>
    public static GgufName Of(string path)
    {
        var stem = Path.GetFileNameWithoutExtension(path);
        return Series().Match(stem) is { Success: true } match && Parse(match.Groups[3]) <= MostFiles
            ? new GgufName(match.Groups[1].Value, Parse(match.Groups[2]), Parse(match.Groups[3]))
            : new GgufName(stem, 1, 1);
    }

    /// <summary>The files of the series that this file begins, in the folder of <paramref name="first"/>.</summary>
    public IEnumerable<string> SeriesOf(string first)
    {
        if (Count <= 1)
        {
            return [first];
        }

        var (stem, count) = (Stem, Count);
        var folder = Path.GetDirectoryName(first)!;
        return Enumerable.Range(1, count).Select(number => Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{stem}-{number:00000}-of-{count:00000}{Path.GetExtension(first)}")));
    }

    private static int Parse(Group group) => int.Parse(group.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);

    [GeneratedRegex("^(.+)-([0-9]{5})-of-([0-9]{5})$")]
    private static partial Regex Series();
}
