using MlxGateway.Tests.Inference;
using Xunit;

namespace MlxGateway.Tests.ToolCalls;

/// <summary>What models say, and what clients get of it, whatever pieces it comes in. The golden files hold both; their names begin with the form.</summary>
public sealed class GoldenAnswerTests
{
    private const string Between = "\n=== the client gets\n";

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "ToolCalls", "Answers");

    public static TheoryData<string> Files() => [.. Directory.EnumerateFiles(Folder, "*.txt").Select(static f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Answer_InEverySegmentation_IsTheGoldenOne(string name)
    {
        var file = await File.ReadAllTextAsync(Path.Combine(Folder, name + ".txt"), TestContext.Current.CancellationToken);
        var middle = file.IndexOf(Between, StringComparison.Ordinal);
        var (said, expected, form) = (file[..middle], file[(middle + Between.Length)..], name.Split('-')[0]);
        var reason = expected.EndsWith("=== reason length\n", StringComparison.Ordinal) ? "length" : "stop";

        Assert.Equal(expected, CallAnswers.Whole(form, said, reason).Golden);
        for (var size = 1; size <= said.Length; size++)
        {
            Assert.Equal(expected, CallAnswers.Stream(form, Words(said, size), reason).Golden);
        }

        var random = new Random(name.Length);
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(expected, CallAnswers.Stream(form, RandomPieces.Of(said, random), reason).Golden);
        }

        if (reason == "stop")
        {
            Assert.Equal(expected, CallAnswers.Stream(form, RandomPieces.Of(said, random), null).Golden); // an engine that gives no reason
        }
    }

    private static IEnumerable<string> Words(string said, int size) => RandomPieces.WithoutHalves(said.Chunk(size).Select(static chunk => new string(chunk)));
}
