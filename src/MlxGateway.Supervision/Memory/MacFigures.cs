using System.Globalization;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>What a Mac says of its memory at one moment, from the kernel or from its programs. Pure.</summary>
/// <param name="Total">All there is (<c>hw.memsize</c>).</param>
/// <param name="Pages">What can be had of it.</param>
internal readonly record struct MacFigures(ByteSize Total, MacPages Pages)
{
    // DISPATCH_MEMORYPRESSURE_NORMAL 1, _WARN 2 and _CRITICAL 4 of dispatch/source.h: kern.memorystatus_vm_pressure_level gives these flags, not the kernel's own numbers.
    private const long CriticalPressure = 4;

    // Memory moves between two looks at it; a layout that is misread is off by far more.
    private const int TolerancePercent = 5;

    /// <summary>The figures as a reading.</summary>
    /// <param name="pressure">The kernel's pressure level; null if it is not known. At the critical one nothing is available, whatever the pages say.</param>
    /// <param name="wiredLimitMegabytes"><c>iogpu.wired_limit_mb</c>, which an administrator has set; null or 0 if nobody has.</param>
    /// <param name="recommended">Metal's recommended working set, as far as it is known. A set limit wins: it is newer.</param>
    public MemoryReading Reading(long? pressure, long? wiredLimitMegabytes, ByteSize? recommended)
    {
        var (limit, source) = wiredLimitMegabytes is > 0 and < (1L << 40)
            ? (new ByteSize(wiredLimitMegabytes.Value << 20), "iogpu.wired_limit_mb")
            : (recommended, "Metal's recommended working set");
        var total = ByteSize.Min(Total, limit ?? Total);
        var available = pressure == CriticalPressure ? ByteSize.Zero : ByteSize.Min(Pages.Available, total);
        return new MemoryReading(total, available, total < Total ? source : "hw.memsize");
    }

    /// <summary>In what these figures and others of the same moment disagree, as the rest of a sentence; null if they agree.</summary>
    public string? DisagreementWith(MacFigures told)
    {
        if (IsFar(Total, told.Total, told.Total))
        {
            return $"the memory is {Total} by the kernel and {told.Total} by sysctl";
        }

        if (Pages.PageSize != told.Pages.PageSize)
        {
            return string.Create(CultureInfo.InvariantCulture, $"a page has {Pages.PageSize} bytes by the kernel and {told.Pages.PageSize} by vm_stat");
        }

        return IsFar(Pages.Available, told.Pages.Available, told.Total) ? $"{Pages.Available} are available by the kernel and {told.Pages.Available} by vm_stat" : null;
    }

    private static bool IsFar(ByteSize left, ByteSize right, ByteSize whole) => Math.Abs((left - right).Bytes) > whole.Bytes / 100 * TolerancePercent;
}
