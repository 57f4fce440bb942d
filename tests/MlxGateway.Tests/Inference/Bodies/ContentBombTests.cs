using MlxGateway.Tests.Hosting;
using Xunit;

namespace MlxGateway.Tests.Inference.Bodies;

/// <summary>The memory of the whole process is looked at, so nothing else runs meanwhile.</summary>
[Collection(nameof(TheProcess))]
public sealed class ContentBombTests
{
    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("zstd")]
    [InlineData("gzip, gzip")]
    public async Task Read_Bomb_IsRefusedLongBeforeItIsWhole(string encodings)
    {
        var bomb = ContentCodingTests.Encode(new byte[200 << 20], encodings);
        var before = GC.GetTotalAllocatedBytes();
        var (request, error) = await ContentCodingTests.ReadAsync(bomb, encodings, limit: 1 << 20);

        Assert.Null(request);
        Assert.Equal((413, "request_too_large"), (error!.Status, error.Code));
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 60L << 20);
    }
}
