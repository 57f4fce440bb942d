using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>What macOS says of one process. Pure.</summary>
/// <param name="Footprint">The physical footprint, which is what the Activity Monitor shows and what the kernel's own limits count; it has Metal's buffers in it.</param>
/// <param name="Resident">What is mapped into it and in memory, files too, but not what only the GPU sees.</param>
/// <param name="HighestFootprint">The most that the footprint ever was.</param>
internal readonly record struct MacUsage(ByteSize Footprint, ByteSize Resident, ByteSize HighestFootprint)
{
    /// <summary>The least that must be pages of files: what is resident beyond the footprint. Weights that are in the footprint already are not counted again by this.</summary>
    public ByteSize Mapped => ByteSize.Max(ByteSize.Zero, Resident - Footprint);

    /// <summary>What several processes take together; null if there is none.</summary>
    public static FootprintReading? Sum(IEnumerable<MacUsage> processes)
    {
        FootprintReading? sum = null;
        foreach (var one in processes)
        {
            var (mine, mapped, peak) = sum ?? default;
            sum = new FootprintReading(mine + one.Footprint, mapped + one.Mapped, peak + ByteSize.Max(one.Footprint, one.HighestFootprint) + one.Mapped);
        }

        return sum;
    }
}
