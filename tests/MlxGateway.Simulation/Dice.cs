namespace MlxGateway.Simulation;

/// <summary>Chance that is the same for the same seed on every machine and in every version of the runtime (SplitMix64, Steele, Lea and Flood 2014).</summary>
internal sealed class Dice(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        var mixed = _state += 0x9E3779B97F4A7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }

    /// <summary>A number from 0 to one less than <paramref name="count"/>.</summary>
    public int Below(int count) => (int)(((UInt128)Next() * (uint)count) >> 64);

    /// <summary>A number from 0 up to 1, 1 not included.</summary>
    public double Fraction() => (Next() >> 11) * (1.0 / (1UL << 53));

    public bool Chance(double probability) => Fraction() < probability;

    public double Between(double least, double most) => least + (Fraction() * (most - least));

    /// <summary>As likely from 1 to 10 as from 10 to 100.</summary>
    public double Spread(double least, double most) => least * Math.Pow(most / least, Fraction());

    /// <summary>A time in seconds, spread.</summary>
    public TimeSpan Seconds(double least, double most) => TimeSpan.FromSeconds(Spread(least, most));

    /// <summary>A waiting time whose mean this is and that does not depend on how long one has waited.</summary>
    public TimeSpan Arrival(TimeSpan mean) => mean * Math.Min(20, -Math.Log(1 - Fraction()));

    public T One<T>(params ReadOnlySpan<T> of) => of[Below(of.Length)];
}
