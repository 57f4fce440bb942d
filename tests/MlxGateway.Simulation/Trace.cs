using System.Globalization;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Simulation;

/// <summary>What can happen in a simulated world.</summary>
internal enum Happening
{
    Asked, Granted, Refused, Left, Released, NeedUnknown, Launching, Ready, LaunchFailed, Died, Cancelled, StopAsked, Gone, Revoked,
    Adopted, Dismissed, MemoryTaken, MemoryRead, ProbeBroke, ProbeMended, UnloadAsked, Unloaded, Reloaded, Calm, Rage, ShutdownAsked, ShutDown,
}

/// <summary>What happened, in order: a hash of all of it, and the last lines of it in words.</summary>
internal sealed class Trace(VirtualTime time, TextWriter? verbose)
{
    private const int Kept = 200;
    private readonly (TimeSpan At, Happening What, int Model, long Number, long Detail)[] _last = new (TimeSpan, Happening, int, long, long)[Kept];

    public TimeSpan Now => time.Now;

    /// <summary>How much has happened.</summary>
    public long Count { get; private set; }

    /// <summary>The same for the same history, and for no other (FNV-1a over every word of every line).</summary>
    public ulong Hash { get; private set; } = 14695981039346656037;

    /// <param name="what">What happened.</param>
    /// <param name="model">The number of the model; −1: none.</param>
    /// <param name="number">The client, or the launch.</param>
    /// <param name="detail">What else there is to say: bytes, or a reason.</param>
    public void Add(Happening what, int model = -1, long number = 0, long detail = 0)
    {
        _last[Count++ % Kept] = (time.Now, what, model, number, detail);
        Mix(time.Now.Ticks);
        Mix(((long)what << 32) | (uint)model);
        Mix(number);
        Mix(detail);
        verbose?.WriteLine(InWords(_last[(Count - 1) % Kept]));
    }

    /// <summary>The last lines, oldest first.</summary>
    public IEnumerable<string> Last()
    {
        for (var at = Math.Max(0, Count - Kept); at < Count; at++)
        {
            yield return InWords(_last[at % Kept]);
        }
    }

    private static string InWords((TimeSpan At, Happening What, int Model, long Number, long Detail) line)
    {
        var detail = line.What switch
        {
            Happening.Refused => ((RefusalReason)line.Detail).ToString(),
            Happening.Revoked => ((RevocationReason)line.Detail).ToString(),
            Happening.Launching or Happening.MemoryTaken or Happening.MemoryRead => string.Create(CultureInfo.InvariantCulture, $"{line.Detail / (double)(1L << 30):0.00} GB"),
            _ => line.Detail == 0 ? "" : line.Detail.ToString(CultureInfo.InvariantCulture),
        };
        var whose = line.What is Happening.Asked or Happening.Granted or Happening.Refused or Happening.Left or Happening.Released ? "client" : "launch";
        var who = line.Model < 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"m{line.Model} {whose} {line.Number}");
        return string.Create(CultureInfo.InvariantCulture, $"{line.At.TotalSeconds,14:0.0000000}  {line.What,-13} {who,-20} {detail}");
    }

    private void Mix(long word)
    {
        var rest = (ulong)word;
        for (var i = 0; i < 8; i++)
        {
            Hash = (Hash ^ (rest & 0xFF)) * 1099511628211;
            rest >>= 8;
        }
    }
}
