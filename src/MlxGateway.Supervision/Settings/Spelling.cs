namespace MlxGateway.Supervision.Settings;

/// <summary>Finds what somebody may have meant.</summary>
public static class Spelling
{
    // Names come from clients too: what is longer than this is no slip of the pen, and comparing it would cost its square.
    private const int Longest = 128;

    /// <summary>The candidates that are nearest to a name that is none of them, the nearest first; none if nothing comes near.</summary>
    /// <remarks>
    /// Near is what contains the name or is contained in it (three letters at least), and what a few slips of the pen turn into it: as many as a third
    /// of the letters, and one at least. Case does not count.
    /// </remarks>
    public static IReadOnlyList<string> Nearest(string name, IEnumerable<string> candidates, int count)
    {
        if (name.Length is 0 or > Longest)
        {
            return [];
        }

        return [.. candidates
            .Select(candidate => (candidate, distance: Distance(name, candidate)))
            .Where(pair => pair.distance <= Math.Max(1, Math.Max(name.Length, Math.Min(pair.candidate.Length, Longest)) / 3) || Contains(name, pair.candidate))
            .OrderBy(pair => pair.distance)
            .ThenBy(pair => pair.candidate, StringComparer.Ordinal)
            .Take(count)
            .Select(pair => pair.candidate)];
    }

    private static bool Contains(string name, string candidate) =>
        Math.Min(name.Length, candidate.Length) >= 3
        && (candidate.Contains(name, StringComparison.OrdinalIgnoreCase) || name.Contains(candidate, StringComparison.OrdinalIgnoreCase));

    /// <summary>How many letters must be put in, left out, replaced or swapped with their neighbour.</summary>
    internal static int Distance(string left, string right)
    {
        if (right.Length > Longest)
        {
            return int.MaxValue;
        }

        Span<int> before = stackalloc int[right.Length + 1];
        Span<int> last = stackalloc int[right.Length + 1];
        Span<int> current = stackalloc int[right.Length + 1];
        for (var j = 0; j <= right.Length; j++)
        {
            last[j] = j;
        }

        for (var i = 1; i <= left.Length; i++)
        {
            current[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var cost = Same(left[i - 1], right[j - 1]) ? 0 : 1;
                current[j] = Math.Min(Math.Min(current[j - 1], last[j]) + 1, last[j - 1] + cost);
                if (i > 1 && j > 1 && Same(left[i - 1], right[j - 2]) && Same(left[i - 2], right[j - 1]))
                {
                    current[j] = Math.Min(current[j], before[j - 2] + 1);
                }
            }

            last.CopyTo(before);
            current.CopyTo(last);
        }

        return last[right.Length];
    }

    private static bool Same(char left, char right) => char.ToUpperInvariant(left) == char.ToUpperInvariant(right);
}
