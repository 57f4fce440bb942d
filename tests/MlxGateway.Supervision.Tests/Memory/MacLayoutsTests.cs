using System.Buffers.Binary;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

/// <summary>The layouts are taken from the headers; they cannot be compared with a running macOS here.</summary>
public sealed class MacLayoutsTests
{
    [Fact]
    public void Pages_Statistics_AreTheFieldsThatTheHeaderNames()
    {
        var statistics = Statistics(free: 100, purgeable: 3, speculative: 5, external: 7);

        Assert.Equal(MacLayouts.VmStatistics64Count, statistics.Length);
        Assert.Equal(new MacPages(95, 3, 7, 16384), MacLayouts.Pages(statistics, 16384));
    }

    [Fact]
    public void Pages_StatisticsOfTheLoadedMachine_AreWhatItsVmStatWrote() =>
        Assert.Equal(MacPages.Parse(MacTexts.Loaded), MacLayouts.Pages(Statistics(free: 407390 + 1830, purgeable: 1863, speculative: 1830, external: 92351), 16384));

    [Fact]
    public void Pages_MoreThanTwoThousandMillion_AreNotNegative() =>
        Assert.Equal(new ByteSize(uint.MaxValue * 3L * 16384), MacLayouts.Pages(Statistics(free: -1, purgeable: -1, speculative: 0, external: -1), 16384)!.Value.Available);

    [Fact]
    public void Pages_MoreReadAheadThanFree_AreNotLessThanNone() => Assert.Equal(0, MacLayouts.Pages(Statistics(free: 1, purgeable: 0, speculative: 2, external: 0), 16384)!.Value.Free);

    [Theory]
    [InlineData(0)]
    [InlineData(24)] // the revision without file-backed pages
    [InlineData(37)]
    public void Pages_TooLittleWasFilled_AreUnknown(int count) => Assert.Null(MacLayouts.Pages(Statistics(1, 1, 0, 1).AsSpan(0, count), 16384));

    [Fact]
    public void Usage_Buffer_IsTheNumbersThatTheHeaderNames()
    {
        // In the order of struct rusage_info_v4: the identifier, then 35 numbers, of which the seventh, the eighth and the twenty-ninth are read.
        var usage = new byte[16 + (8 * 35)];
        for (var i = 0; i < 35; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(usage.AsSpan(16 + (8 * i)), (ulong)i + 1);
        }

        Assert.Equal(MacLayouts.RusageInfoV4Size, usage.Length);
        Assert.Equal(new MacUsage(Footprint: new ByteSize(8), Resident: new ByteSize(7), HighestFootprint: new ByteSize(29)), MacLayouts.Usage(usage));
    }

    [Fact]
    public void Number_OfEitherSize_IsRead()
    {
        Assert.Equal(4, MacLayouts.Number([4, 0, 0, 0]));
        Assert.Equal(1L << 36, MacLayouts.Number([0, 0, 0, 0, 16, 0, 0, 0]));
        Assert.Null(MacLayouts.Number([]));
        Assert.Null(MacLayouts.Number([1, 0]));
        Assert.Null(MacLayouts.Number([255, 255, 255, 255]));
    }

    // In the order of struct vm_statistics64: four of 4 bytes, nine of 8, two of 4, four of 8, four of 4, one of 8. What is not read is large, so that it would be seen.
    private static int[] Statistics(int free, int purgeable, int speculative, int external) =>
    [
        free, 1_000_000, 1_000_000, 1_000_000,
        .. Enumerable.Repeat(1_000_000, 18),
        purgeable, speculative,
        .. Enumerable.Repeat(1_000_000, 8),
        1_000_000, 1_000_000, external, 1_000_000,
        .. Enumerable.Repeat(1_000_000, 2),
    ];
}
