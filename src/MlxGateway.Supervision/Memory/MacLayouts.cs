using System.Buffers.Binary;
using System.Runtime.InteropServices;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>Takes quantities out of what macOS writes into a buffer. Pure, so that it can be tried anywhere.</summary>
internal static class MacLayouts
{
    /// <summary>The size of <c>struct vm_statistics64</c> in four-byte units as of its first revision; later ones add to its end, and the kernel fills what it is given room for.</summary>
    public const int VmStatistics64Count = 38;

    /// <summary>The size of <c>struct rusage_info_v0</c>: a UUID of 16 bytes and ten numbers of 8.</summary>
    public const int RusageInfoV0Size = 96;

    // struct vm_statistics64, mach/vm_statistics.h: four natural_t (free, active, inactive, wire), nine uint64_t
    // (zero_fill, reactivations, pageins, pageouts, faults, cow_faults, lookups, hits, purges), then natural_t purgeable and speculative.
    private const int FreeOffset = 0;
    private const int InactiveOffset = 8;
    private const int PurgeableOffset = 88;

    // struct rusage_info_v0, sys/resource.h: uuid, user_time, system_time, pkg_idle_wkups, interrupt_wkups, pageins, wired_size, resident_size, phys_footprint.
    private const int FootprintOffset = 72;

    /// <summary>What could be had without swapping. The speculative pages are not added: the kernel has already counted them as free (<c>vm_stat</c> takes them off again to print them apart).</summary>
    /// <param name="statistics">The buffer that <c>host_statistics64</c> filled.</param>
    /// <param name="pageSize">In bytes; 16384 on Apple silicon.</param>
    public static ByteSize Available(ReadOnlySpan<int> statistics, int pageSize)
    {
        var bytes = MemoryMarshal.AsBytes(statistics);
        var pages = (long)UInt32At(bytes, FreeOffset) + UInt32At(bytes, InactiveOffset) + UInt32At(bytes, PurgeableOffset);
        return new ByteSize(pages * pageSize);
    }

    /// <summary>The physical footprint, which is what the Activity Monitor shows and what the kernel's own limits count; it has Metal's buffers in it.</summary>
    /// <param name="usage">The buffer that <c>proc_pid_rusage</c> filled.</param>
    public static ByteSize Footprint(ReadOnlySpan<byte> usage) => new((long)Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(usage[FootprintOffset..]), long.MaxValue));

    private static uint UInt32At(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[offset..]);
}
