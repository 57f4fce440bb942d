using System.Buffers.Binary;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

/// <summary>The layouts are taken from the headers; they cannot be compared with a running macOS here.</summary>
public sealed class MacLayoutsTests
{
    [Fact]
    public void Available_Statistics_AddsFreeInactiveAndPurgeablePages()
    {
        // In the order of struct vm_statistics64: four of 4 bytes, nine of 8, two of 4, four of 8, four of 4, one of 8.
        int[] statistics = [100, 1, 20, 1, .. Enumerable.Repeat(1_000_000, 18), 3, 5, .. Enumerable.Repeat(1_000_000, 14)];

        Assert.Equal(MacLayouts.VmStatistics64Count, statistics.Length);
        Assert.Equal(new ByteSize(123 * 16384), MacLayouts.Available(statistics, 16384));
    }

    [Fact]
    public void Available_MoreThanTwoThousandMillionPages_DoesNotOverflow() =>
        Assert.Equal(new ByteSize(uint.MaxValue * 16384L), MacLayouts.Available([-1, .. new int[37]], 16384));

    [Fact]
    public void Footprint_Usage_IsTheEighthNumberBehindTheIdentifier()
    {
        var usage = new byte[MacLayouts.RusageInfoV0Size];
        for (var i = 0; i < 10; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(usage.AsSpan(16 + (8 * i)), (ulong)i + 1);
        }

        Assert.Equal(new ByteSize(8), MacLayouts.Footprint(usage));
    }
}
