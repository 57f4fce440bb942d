using MlxGateway.ContextWindow;
using MlxGateway.Inference;
using Xunit;

namespace MlxGateway.Tests.ContextWindow;

/// <summary>The small parts: images, ratios, the shelf of summaries, and the pieces of a text.</summary>
public sealed class RoomTests
{
    [Theory]
    [InlineData("89504E470D0A1A0A0000000D49484452000002800000 01E0", 640, 480)]
    [InlineData("474946383961 8002 E001 0000", 640, 480)]
    [InlineData("FFD8 FFE0 0004 0000 FFC0 0011 08 01E0 0280 03 00000000", 640, 480)]
    [InlineData("52494646 00000000 57454250 56503858 0A000000 00000000 7F0200 DF0100", 640, 480)]
    [InlineData("52494646 00000000 57454250 56503820 00000000 000000 9D012A 8002 E001", 640, 480)]
    [InlineData("52494646 00000000 57454250 5650384C 00000000 2F 7FC27700 000000000000", 640, 480)]
    [InlineData("FFD8 FFE0 FFFF 00", 0, 0)]
    [InlineData("00", 0, 0)]
    public void SizeOfFile_HeadOfAFile_IsRead(string hex, int width, int height) =>
        Assert.Equal((width, height), ImageTokens.SizeOfFile(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal))));

    [Fact]
    public void SizeOfFile_AnyBytes_NeverThrows()
    {
        var random = new Random(3);
        byte[][] heads = [[0x89, (byte)'P', (byte)'N', (byte)'G'], [.. "GIF8"u8], [0xFF, 0xD8], [.. "RIFF0000WEBPVP8X"u8], [.. "RIFF0000WEBPVP8L"u8], [.. "RIFF0000WEBPVP8 "u8]];
        for (var i = 0; i < 20_000; i++)
        {
            var bytes = new byte[random.Next(0, 60)];
            random.NextBytes(bytes);
            byte[] file = [.. heads[i % heads.Length], .. bytes];
            Assert.True(ImageTokens.SizeOfFile(file).Width >= 0);
        }
    }

    [Fact]
    public void Ratios_OfAnswers_GoUpAtOnceAndDownSlowly()
    {
        var ratios = new TokenRatios();
        Assert.Equal(TokenRatios.Unlearned, ratios.For("m"));

        ratios.Completed(Record(1000, 200));
        Assert.Equal(0.2, ratios.For("m"), 6);
        ratios.Completed(Record(1000, 360));
        Assert.Equal(0.36, ratios.For("m"), 6);
        ratios.Completed(Record(1000, 200));
        Assert.Equal(0.35, ratios.For("m"), 6);

        // ... and nothing is learned from a body that the engine did not read.
        var compacted = Record(1000, 10);
        ratios.Ignore(compacted);
        ratios.Completed(compacted);
        Assert.Equal(0.35, ratios.For("m"), 6);
    }

    [Fact]
    public void Shelf_MoreThanItHolds_LosesWhatWasLookedAtLongestAgo()
    {
        var shelf = new SummaryShelf(2);
        shelf.Keep("a", new Summary(1, "A"));
        shelf.Keep("ab", new Summary(2, "AB"));
        Assert.Equal("A", shelf.Longest(["a", "x"], 2)!.Text);

        shelf.Keep("c", new Summary(1, "C"));

        Assert.Null(shelf.Longest(["x", "ab"], 2));
        Assert.Equal("A", shelf.Longest(["a", "ab"], 2)!.Text);
        Assert.Null(shelf.Longest(["x", "c"], 1));
    }

    [Fact]
    public void EndOfPiece_AnyText_PartsNoCharacterAndPrefersLines()
    {
        var text = "one\ntwo\n€€€€€€€€"u8.ToArray();

        Assert.Equal(8, Summariser.EndOfPiece(text, 0, 10));
        Assert.Equal(8 + 6, Summariser.EndOfPiece(text, 8, 8));
        Assert.Equal(text.Length, Summariser.EndOfPiece(text, 8, 800));
    }

    [Theory]
    [InlineData("<think>a</think> b", "b")]
    [InlineData("a</think>b", "b")]
    [InlineData("<think>cut off", "")]
    [InlineData(" b ", "b")]
    public void WithoutThoughts_Answer_IsWhatWasSaid(string answer, string said) => Assert.Equal(said, Summariser.WithoutThoughts(answer));

    private static RequestRecord Record(long bytes, int tokens) => new() { Id = "r", Route = "/", Model = "m", Outcome = RequestOutcome.Completed, RequestBytes = bytes, PromptTokens = tokens };
}
