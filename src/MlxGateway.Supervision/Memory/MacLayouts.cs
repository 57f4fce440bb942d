using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>Takes quantities out of what macOS writes into a buffer. Pure, so that it can be tried anywhere.</summary>
internal static class MacLayouts
{
    /// <summary>
    /// The size of <c>struct vm_statistics64</c> in four-byte units as <c>HOST_VM_INFO64_REV1_COUNT</c> (macOS 10.9). Later revisions add to its end, and the kernel fills what it is
    /// given room for; the one before (24 units) ends in front of the file-backed pages.
    /// </summary>
    public const int VmStatistics64Count = 38;

    /// <summary>The size of <c>struct rusage_info_v4</c>: a UUID of 16 bytes and 35 numbers of 8.</summary>
    public const int RusageInfoV4Size = 296;

    // struct vm_statistics64, mach/vm_statistics.h: four natural_t (free_count, active_count, inactive_count, wire_count); nine uint64_t (zero_fill_count … purges); natural_t
    // purgeable_count and speculative_count; four uint64_t (decompressions … swapouts); natural_t compressor_page_count, throttled_count, external_page_count, internal_page_count; one uint64_t.
    private const int FreeOffset = 0;
    private const int PurgeableOffset = 88;
    private const int SpeculativeOffset = 92;
    private const int ExternalOffset = 136;

    // struct rusage_info_v4, sys/resource.h: ri_uuid, ri_user_time, ri_system_time, ri_pkg_idle_wkups, ri_interrupt_wkups, ri_pageins, ri_wired_size, ri_resident_size, ri_phys_footprint,
    // two times; (v1) six of the children; (v2) two of the disk; (v3) seven of the quality of service and two billed times; (v4) ri_logical_writes, ri_lifetime_max_phys_footprint, six more.
    private const int ResidentOffset = 64;
    private const int FootprintOffset = 72;
    private const int HighestFootprintOffset = 240;

    /// <summary>The pages that the kernel counts.</summary>
    /// <param name="statistics">What <c>host_statistics64</c> filled of the buffer.</param>
    /// <param name="pageSize">The kernel's, in bytes; 16384 on Apple silicon.</param>
    /// <returns>Null if too little was filled.</returns>
    public static MacPages? Pages(ReadOnlySpan<int> statistics, long pageSize)
    {
        if (statistics.Length < VmStatistics64Count)
        {
            return null;
        }

        var bytes = MemoryMarshal.AsBytes(statistics);
        // The header says that speculative pages are in free_count already, and vm_stat takes them off again to print them apart; so does this, because they are file-backed pages too.
        var free = Math.Max(0L, (long)UInt32At(bytes, FreeOffset) - UInt32At(bytes, SpeculativeOffset));
        return new MacPages(free, UInt32At(bytes, PurgeableOffset), UInt32At(bytes, ExternalOffset), pageSize);
    }

    /// <summary>What a process takes.</summary>
    /// <param name="usage">The buffer that <c>proc_pid_rusage</c> filled.</param>
    public static MacUsage Usage(ReadOnlySpan<byte> usage) => new(BytesAt(usage, FootprintOffset), BytesAt(usage, ResidentOffset), BytesAt(usage, HighestFootprintOffset));

    /// <summary>A number that <c>sysctlbyname</c> wrote, of four or eight bytes by its kind (<c>CTLTYPE_INT</c>, <c>CTLTYPE_QUAD</c>); null if it wrote anything else or a negative one.</summary>
    public static long? Number(ReadOnlySpan<byte> written) => written.Length switch
    {
        4 when BinaryPrimitives.ReadInt32LittleEndian(written) is >= 0 and var number => number,
        8 when BinaryPrimitives.ReadInt64LittleEndian(written) is >= 0 and var number => number,
        _ => null,
    };

    private static ByteSize BytesAt(ReadOnlySpan<byte> bytes, int offset) => new((long)Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]), long.MaxValue));

    private static uint UInt32At(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);
}
