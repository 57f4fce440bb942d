using System.Buffers;
using System.Text;
using System.Text.Unicode;
using MlxGateway.Inference;
using Xunit;

namespace MlxGateway.Tests.Inference;

public sealed class PooledBodyTests
{
    private const int Kilobyte = 1024;
    private const int Megabyte = 1 << 20;

    public static TheoryData<int> Sizes =>
    [
        0, 1, 15, 16, 17, 16 * Kilobyte - 1, 16 * Kilobyte, 16 * Kilobyte + 1, 32 * Kilobyte, 32 * Kilobyte + 1,
        Megabyte - 2, Megabyte - 1, Megabyte, Megabyte + 1, 2 * Megabyte - 1, 2 * Megabyte, 2 * Megabyte + 1, 5 * Megabyte + 17,
    ];

    [Theory]
    [MemberData(nameof(Sizes))]
    public async Task Read_AnySize_KeepsEveryByte(int size)
    {
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);

        // Announced rightly, not at all, and wrongly: the length is only a hint.
        foreach (var announced in new long?[] { size, null, 0, 3, 4L * Megabyte })
        {
            using var body = (await PooledBody.ReadAsync(new MemoryStream(bytes), announced, long.MaxValue, TestContext.Current.CancellationToken))!;

            Assert.Equal(size, body.Length);
            Assert.True(body.AsSequence().ToArray().AsSpan().SequenceEqual(bytes), $"announced as {announced}");
        }
    }

    [Fact]
    public async Task Read_LargeBody_HoldsBlocksOfOneMegabyte()
    {
        using var body = (await PooledBody.ReadAsync(new MemoryStream(new byte[3 * Megabyte]), 3 * Megabyte, long.MaxValue, TestContext.Current.CancellationToken))!;

        var blocks = new List<int>();
        foreach (var block in body.AsSequence())
        {
            blocks.Add(block.Length);
        }

        Assert.Equal([Megabyte, Megabyte, Megabyte], blocks);
    }

    [Fact]
    public async Task Read_SourceBreaks_ThrowsWhatItThrew()
    {
        using var source = new Broken();

        await Assert.ThrowsAsync<EndOfStreamException>(async () => await PooledBody.ReadAsync(source, 100, long.MaxValue, TestContext.Current.CancellationToken));
    }

    // A first block of 16 bytes makes every place within a character a place where blocks meet.
    [Fact]
    public async Task IsUtf8_RandomTextRandomlyBroken_SaysWhatTheJoinedBytesSay()
    {
        var random = new Random(1);
        string[] characters = ["a", "ä", "€", "𝄞", "\u0000", "\uffff", "\u0800", "\U0010ffff"];
        var (valid, invalid) = (0, 0);
        for (var i = 0; i < 20_000; i++)
        {
            var text = new StringBuilder();
            for (var n = random.Next(24); n > 0; n--)
            {
                text.Append(characters[random.Next(characters.Length)]);
            }

            var bytes = Encoding.UTF8.GetBytes(text.ToString());
            if (bytes.Length > 0 && random.Next(2) == 0)
            {
                // Near the place where the blocks meet, where a mistake would matter.
                bytes[Math.Min(bytes.Length - 1, random.Next(12, 20))] = (byte)random.Next(0x70, 0x100);
            }

            bytes = random.Next(4) == 0 ? bytes[..^Math.Min(bytes.Length, random.Next(4))] : bytes;
            using var body = (await PooledBody.ReadAsync(Pieces.Stream(bytes, random), 0, long.MaxValue, TestContext.Current.CancellationToken))!;

            var expected = Utf8.IsValid(bytes);
            Assert.True(expected == body.IsUtf8(), $"{(expected ? "valid" : "invalid")}: {Convert.ToHexString(bytes)}");
            (valid, invalid) = expected ? (valid + 1, invalid) : (valid, invalid + 1);
        }

        Assert.True(valid > 1000 && invalid > 1000, $"{valid} valid and {invalid} invalid texts try too little");
    }

    [Theory]
    [InlineData("𝄞", 4)]
    [InlineData("€", 3)]
    [InlineData("ä", 2)]
    public async Task IsUtf8_CharacterAcrossEveryEdge_IsWhole(string character, int length)
    {
        // Blocks of 16 bytes, 16 KB and 32 KB: edges at 16, 16400 and 49168.
        foreach (var edge in new[] { 16, 16_400, 49_168 })
        {
            for (var before = 0; before <= length; before++)
            {
                var bytes = Encoding.UTF8.GetBytes(new string('x', edge - before) + character + "yz");
                using var whole = (await PooledBody.ReadAsync(new MemoryStream(bytes), 0, long.MaxValue, TestContext.Current.CancellationToken))!;
                using var cut = (await PooledBody.ReadAsync(new MemoryStream(bytes[..(edge - before + length - 1)]), 0, long.MaxValue, TestContext.Current.CancellationToken))!;

                Assert.True(whole.IsUtf8(), $"{before} bytes before {edge}");
                Assert.False(cut.IsUtf8(), $"{before} bytes before {edge}, without its last byte");
            }
        }
    }

    [Fact]
    public async Task Dispose_Twice_GivesTheBlocksBackOnce()
    {
        var body = (await PooledBody.ReadAsync(new MemoryStream(new byte[100]), 100, long.MaxValue, TestContext.Current.CancellationToken))!;
        body.Dispose();
        var first = ArrayPool<byte>.Shared.Rent(101);
        body.Dispose();
        var second = ArrayPool<byte>.Shared.Rent(101);

        // Given back twice, the same array would be handed to two borrowers.
        Assert.NotSame(first, second);
    }

    private sealed class Broken : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new EndOfStreamException();
    }
}
