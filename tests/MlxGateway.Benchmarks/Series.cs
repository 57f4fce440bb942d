namespace MlxGateway.Benchmarks;

/// <summary>The same figure, measured once in each round.</summary>
internal sealed class Series
{
    private readonly List<double> _values = [];

    /// <summary>The values in the order of the rounds.</summary>
    public IReadOnlyList<double> Values => _values;

    /// <summary>The middle one.</summary>
    public double Median => MedianOf(_values);

    /// <summary>The smallest.</summary>
    public double Least => _values.Min();

    /// <summary>The largest.</summary>
    public double Most => _values.Max();

    /// <summary>Adds the value of a round.</summary>
    public void Add(double value) => _values.Add(value);

    /// <summary>This series divided by another, round by round: what was measured side by side is compared side by side.</summary>
    public Series Over(Series other)
    {
        var ratios = new Series();
        ratios._values.AddRange(_values.Zip(other._values, (a, b) => a / b));
        return ratios;
    }

    /// <summary>What this series has more than another, round by round.</summary>
    public Series Less(Series other)
    {
        var differences = new Series();
        differences._values.AddRange(_values.Zip(other._values, (a, b) => a - b));
        return differences;
    }

    /// <summary>This series in another unit.</summary>
    public Series By(double unit)
    {
        var parts = new Series();
        parts._values.AddRange(_values.Select(v => v / unit));
        return parts;
    }

    /// <summary>The middle of several values.</summary>
    public static double MedianOf(IReadOnlyCollection<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
