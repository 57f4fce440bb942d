using System.Text;
using MlxGateway.Inference;
using Xunit;

namespace MlxGateway.Tests.Inference.Answers;

/// <summary>What engines send and what clients get of it, byte for byte, whatever pieces it comes in. The golden files hold both, one behind the other.</summary>
public sealed class GoldenStreamTests
{
    private const string Between = "=== the client gets\n";

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Inference", "Golden");

    public static TheoryData<string> Files() => [.. Directory.EnumerateFiles(Folder, "*.txt").Select(static f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Stream_InEverySegmentation_IsTheGoldenOne(string name)
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Folder, name + ".txt"), TestContext.Current.CancellationToken);
        var middle = text.IndexOf(Between, StringComparison.Ordinal);
        var (sent, expected) = (Encoding.UTF8.GetBytes(Unescaped(text[..middle])), Unescaped(text[(middle + Between.Length)..]));
        Func<FilterChain> chain = name.Split('-')[0] switch
        {
            "responses" => FilterChain.OfResponses,
            "unasked" => FilterChain.OfChatWithoutCounts,
            _ => FilterChain.OfChat,
        };

        Assert.Equal(expected, chain().Run([sent]));
        for (var size = 1; size <= 64; size++)
        {
            Assert.Equal(expected, chain().Run(sent.Chunk(size).Select(static c => new ReadOnlyMemory<byte>(c))));
        }

        for (var cut = 1; cut < sent.Length; cut++)
        {
            Assert.Equal(expected, chain().Run([sent.AsMemory(0, cut), sent.AsMemory(cut)]));
        }

        var random = new Random(name.Length);
        for (var i = 0; i < 200; i++)
        {
            Assert.Equal(expected, chain().Run(Pieces.Cut(sent, random)));
        }
    }

    // Line ends are what these files are about, so those that are not plain are written out.
    private static string Unescaped(string text) => text.Replace("<CR>", "\r", StringComparison.Ordinal);
}
