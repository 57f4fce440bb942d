using System.Globalization;
using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>macOS: <c>hw.memsize</c>, the pages that the kernel can give, and the physical footprint of processes.</summary>
/// <remarks>
/// The layouts are from headers, so the first reading is compared with what the system's own programs say. Where they disagree, the programs are believed from then on:
/// a few milliseconds for each reading are better than a wrong budget.
/// </remarks>
/// <param name="device">What the GPU may hold; null if nobody knows.</param>
internal sealed partial class MacMemoryProbe(IMacSystem system, IDeviceMemory? device, ILogger<MacMemoryProbe> logger) : IMemoryProbe
{
    private readonly Lock _lock = new();
    private bool? _believesKernel;

    /// <inheritdoc/>
    /// <exception cref="IOException">The system did not answer.</exception>
    public MemoryReading Read()
    {
        var figures = (BelievesKernel() ? OfKernel() ?? OfPrograms() : OfPrograms() ?? OfKernel())
            ?? throw new IOException("macOS tells neither by sysctl and host_statistics64 nor by vm_stat what memory it has.");
        return figures.Reading(system.Number("kern.memorystatus_vm_pressure_level"), system.Number("iogpu.wired_limit_mb"), device?.RecommendedWorkingSet);
    }

    /// <inheritdoc/>
    public ByteSize FootprintOf(IReadOnlyCollection<int> pids) => MacUsage.Sum(UsagesOf(pids.SelectMany(MembersOf).Distinct()))?.Private ?? ByteSize.Zero;

    /// <inheritdoc/>
    public IReadOnlyDictionary<int, FootprintReading> ReadingsOf(IReadOnlyCollection<int> pids)
    {
        var readings = new Dictionary<int, FootprintReading>();
        foreach (var pid in pids)
        {
            if (MacUsage.Sum(UsagesOf(MembersOf(pid))) is { } reading)
            {
                readings[pid] = reading;
            }
        }

        return readings;
    }

    private IEnumerable<MacUsage> UsagesOf(IEnumerable<int> pids) => pids.Select(system.Usage).OfType<MacUsage>();

    private HashSet<int> MembersOf(int leader)
    {
        var members = new HashSet<int>();
        var next = new Stack<int>([.. system.Group(leader), leader]);
        while (next.TryPop(out var member))
        {
            if (members.Add(member))
            {
                foreach (var child in system.Children(member))
                {
                    next.Push(child);
                }
            }
        }

        return members;
    }

    private bool BelievesKernel()
    {
        lock (_lock)
        {
            return _believesKernel ??= Compare();
        }
    }

    private bool Compare()
    {
        if (OfPrograms() is not { } told)
        {
            Log.NotCompared(logger);
            return true;
        }

        var disagreement = OfKernel() is { } read ? read.DisagreementWith(told) : "the kernel does not answer";
        if (disagreement is not null)
        {
            Log.Disagree(logger, disagreement);
        }

        return disagreement is null;
    }

    private MacFigures? OfKernel() => system.Number("hw.memsize") is { } total and > 0 && system.Pages() is { } pages ? new MacFigures(new ByteSize(total), pages) : null;

    private MacFigures? OfPrograms() =>
        system.Output("/usr/sbin/sysctl -n hw.memsize 2>/dev/null") is { } size
        && long.TryParse(size.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var total)
        && system.Output("/usr/bin/vm_stat 2>/dev/null") is { } text
        && MacPages.Parse(text) is { } pages
            ? new MacFigures(new ByteSize(total), pages)
            : null;

    private static partial class Log
    {
        [LoggerMessage(1501, LogLevel.Warning, "The memory of this Mac is read from vm_stat: {Disagreement}.")]
        public static partial void Disagree(ILogger logger, string disagreement);

        [LoggerMessage(1502, LogLevel.Information, "The memory of this Mac is read from the kernel; vm_stat and sysctl could not be asked whether they agree.")]
        public static partial void NotCompared(ILogger logger);
    }
}
