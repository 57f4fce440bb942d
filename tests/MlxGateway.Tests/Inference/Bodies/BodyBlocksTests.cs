using MlxGateway.Inference.Bodies;
using MlxGateway.Supervision.Tests;
using Xunit;

namespace MlxGateway.Tests.Inference.Bodies;

public sealed class BodyBlocksTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Blocks_OfOneBodyAfterAnother_AreTheSame()
    {
        var blocks = new BodyBlocks(_time);
        var first = Take(blocks, 100);
        first.ForEach(blocks.Return);

        var second = Take(blocks, 100);

        Assert.Equal(100, first.ToHashSet().Count);
        Assert.Equal(first.ToHashSet(), second.ToHashSet());
        Assert.Equal(0, blocks.Free);
    }

    [Fact]
    public void Blocks_ThatNobodyNeedsForAWhile_AreGivenBack()
    {
        var blocks = new BodyBlocks(_time);
        Take(blocks, 100).ForEach(blocks.Return);

        // The first look finds that all of them were in use since the one before.
        _time.Advance(BodyBlocks.Patience);
        Assert.Equal(100, blocks.Free);
        Take(blocks, 30).ForEach(blocks.Return);
        _time.Advance(BodyBlocks.Patience);
        Assert.Equal(30, blocks.Free);
        _time.Advance(2 * BodyBlocks.Patience);
        Assert.Equal(0, blocks.Free);

        // ... and the next body begins anew.
        Take(blocks, 5).ForEach(blocks.Return);
        Assert.Equal(5, blocks.Free);
        _time.Advance(2 * BodyBlocks.Patience);
        Assert.Equal(0, blocks.Free);
    }

    [Fact]
    public void Blocks_InUse_AreNobodyElses()
    {
        var blocks = new BodyBlocks(TimeProvider.System);
        Parallel.For(0, 8, _ =>
        {
            for (var i = 0; i < 200; i++)
            {
                var mine = Take(blocks, 3);
                mine.ForEach(b => b.AsSpan(0, 64).Fill((byte)i));
                Assert.All(mine, b => Assert.Equal(-1, b.AsSpan(0, 64).IndexOfAnyExcept((byte)i)));
                mine.ForEach(blocks.Return);
            }
        });

        Assert.InRange(blocks.Free, 3, 24);
    }

    private static List<byte[]> Take(BodyBlocks blocks, int count) => [.. Enumerable.Range(0, count).Select(_ => blocks.Rent())];
}
