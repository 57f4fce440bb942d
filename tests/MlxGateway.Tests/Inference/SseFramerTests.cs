using System.Text;
using MlxGateway.Inference;
using Xunit;

namespace MlxGateway.Tests.Inference;

public sealed class SseFramerTests
{
    [Theory]
    [InlineData("data: 1\n\n", "data: 1\n\n", "")]
    [InlineData("data: 1\r\n\r\n", "data: 1\r\n\r\n", "")]
    [InlineData("data: 1\n\r\n", "data: 1\n\r\n", "")]
    [InlineData("data: 1\r\n\n", "data: 1\r\n\n", "")]
    [InlineData("\n\n", "\n\n", "")]
    [InlineData(": comment\n\nevent: x\ndata: 1\n\n", ": comment\n\nevent: x\ndata: 1\n\n", "")]
    [InlineData("data: 1\n\ndata: 2\n", "data: 1\n\n", "data: 2\n")]
    [InlineData("data: 1\n\ndata: 2\r\n\r", "data: 1\n\n", "data: 2\r\n\r")]
    [InlineData("data: no end", "", "data: no end")]
    [InlineData("data: a\nb\nc\n", "", "data: a\nb\nc\n")]
    [InlineData("", "", "")]
    public void Take_AnySegmentation_GivesWholeEventsAndHoldsTheRest(string stream, string events, string held)
    {
        var random = new Random(11);
        for (var i = 0; i < 100; i++)
        {
            var (taken, rest) = Run(Encoding.UTF8.GetBytes(stream), random);

            Assert.Equal((events, held), (string.Concat(taken), rest));
        }
    }

    [Fact]
    public void Take_RandomStreamsRandomlyCut_LoseNothingAndCutNoEvent()
    {
        var random = new Random(12);
        string[] words = ["data: x", "data: {\"a\":1}", "event: y", ":", "€𝄞", "\n", "\n", "\n\n", "\r\n", "\r\n\r\n", "\n\r\n", "\r"];
        for (var i = 0; i < 5000; i++)
        {
            var stream = string.Concat(Enumerable.Range(0, random.Next(30)).Select(_ => words[random.Next(words.Length)]));
            var (taken, held) = Run(Encoding.UTF8.GetBytes(stream), random);

            Assert.Equal(stream, string.Concat(taken) + held);
            Assert.All(taken, t => Assert.True(t.EndsWith("\n\n", StringComparison.Ordinal) || t.EndsWith("\n\r\n", StringComparison.Ordinal)));
            Assert.False(held.Contains("\n\n", StringComparison.Ordinal) || held.Contains("\n\r\n", StringComparison.Ordinal), "a whole event was held back");
        }
    }

    [Fact]
    public void Take_WholeEventsInOnePiece_AreHandedOnWithoutACopy()
    {
        using var framer = new SseFramer();
        ReadOnlyMemory<byte> piece = "data: 1\n\ndata: 2\n\n"u8.ToArray();
        var before = piece;

        Assert.True(framer.TryTake(ref piece, out var events));
        Assert.True(piece.IsEmpty);
        Assert.Equal(before, events);
    }

    [Fact]
    public void Take_EventThatNeverEnds_IsPassedOnInPartsOfBoundedSize()
    {
        using var framer = new SseFramer();
        var random = new Random(13);
        var piece = new byte[64 * 1024];
        Array.Fill(piece, (byte)'x');
        long sent = 0, passed = 0;
        var largest = 0;
        for (var i = 0; i < 400; i++)
        {
            ReadOnlyMemory<byte> bytes = piece.AsMemory(0, random.Next(1, piece.Length));
            sent += bytes.Length;
            while (!bytes.IsEmpty && framer.TryTake(ref bytes, out var part))
            {
                passed += part.Length;
                largest = Math.Max(largest, part.Length);
            }

            Assert.InRange(framer.Held.Length, 0, SseFramer.EventLimit);
        }

        Assert.Equal(sent, passed + framer.Held.Length);
        Assert.InRange(largest, SseFramer.EventLimit, SseFramer.EventLimit + piece.Length);
    }

    // What was taken, each time by itself, and what is held at the end.
    internal static (List<string> Taken, string Held) Run(byte[] stream, Random random)
    {
        using var framer = new SseFramer();
        var taken = new List<string>();
        foreach (var piece in Pieces.Cut(stream, random))
        {
            var bytes = piece;
            while (!bytes.IsEmpty && framer.TryTake(ref bytes, out var events))
            {
                taken.Add(Encoding.Latin1.GetString(events.Span));
            }
        }

        return ([.. taken.Select(Utf8)], Utf8(Encoding.Latin1.GetString(framer.Held.Span)));
    }

    private static string Utf8(string latin) => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(latin));
}
