using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("18GB", 18L << 30)]
    [InlineData("1.5 GiB", 3L << 29)]
    [InlineData(" 512mb ", 512L << 20)]
    [InlineData("64kb", 64L << 10)]
    [InlineData("2T", 2L << 40)]
    [InlineData("100B", 100L)]
    [InlineData("0GB", 0L)]
    [InlineData(".5K", 512L)]
    public void TryParse_NumberWithUnit_IsRead(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var size));
        Assert.Equal(bytes, size.Bytes);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("18")]
    [InlineData("GB")]
    [InlineData("-1GB")]
    [InlineData("1,5GB")]
    [InlineData("1.2.3GB")]
    [InlineData("1e3GB")]
    [InlineData("18 GBs")]
    [InlineData("18Gb/s")]
    [InlineData("9999999999TB")]
    [InlineData("99999999999999999999999999999999999999B")]
    [InlineData("auto")]
    public void TryParse_AnythingElse_IsRefused(string? text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.50 KB")]
    [InlineData(512L << 20, "512.00 MB")]
    [InlineData(-(3L << 30), "-3.00 GB")]
    public void ToString_AnyQuantity_HasTheUnitThatSuitsIt(long bytes, string text) => Assert.Equal(text, new ByteSize(bytes).ToString());
}
