using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Tests.Inference;

/// <summary>What is told from a request about whether somebody waits for its answer, and how long its model is to stay.</summary>
public sealed class BackgroundWorkTests
{
    private const string Title = """[{"role":"user","content":"### Task:\nGenerate a concise, 3-5 word title with an emoji"}]""";

    [Theory]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"### Task:\nGenerate a concise, 3-5 word title"}]}""", true)]
    [InlineData("""{"model":"m","stream":false,"messages":[{"content":"### Task:\nPredict 3-5 useful messages the user may send","role":"user"}],"max_tokens":10}""", true)]
    [InlineData("""{"messages":[{"role":"user","content":"### Task:\r\nGenerate 1-3 broad tags"}],"model":"m"}""", true)]
    [InlineData("""{"model":"m","tools":null,"messages":[{"role":"user","content":"### Task: Suggest 3-5 relevant follow-up questions"}]}""", true)]

    // A person waits for the search query, and for a line that is completed while it is typed.
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"### Task:\nAnalyze the chat history to determine the necessity"}]}""", false)]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"### Task:\nYou are an autocompletion system"}]}""", false)]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"### Task:\nRespond to the user query using the provided context"}]}""", false)]

    // A person's own, whatever it says.
    [InlineData("""{"model":"m","stream":true,"messages":[{"role":"user","content":"### Task:\nGenerate a concise title"}]}""", false)]
    [InlineData("""{"model":"m","tools":[],"messages":[{"role":"user","content":"### Task:\nGenerate a concise title"}]}""", false)]
    [InlineData("""{"model":"m","messages":[{"role":"system","content":"x"},{"role":"user","content":"### Task:\nGenerate a concise title"}]}""", false)]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"### Task:\nGenerate a concise title"},{"role":"user","content":"x"}]}""", false)]
    [InlineData("""{"model":"m","messages":[{"role":"assistant","content":"### Task:\nGenerate a concise title"}]}""", false)]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"Generate a concise title"}]}""", false)]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"### Task:\nGenerate a concise title"}]}]}""", false)]
    [InlineData("""{"model":"m","messages":"### Task:\nGenerate a concise title"}""", false)]
    [InlineData("""{"model":"m","messages":[]}""", false)]
    [InlineData("""{"model":"m"}""", false)]
    public async Task Is_ShapeOfTheBody_TellsTitlesTagsAndFollowUps(string body, bool expected)
    {
        using var request = await ReadAsync(body);

        Assert.Equal(expected, BackgroundWork.Is(new HeaderDictionary(), request));
    }

    [Theory]
    [InlineData("X-Task", "title_generation", true)]
    [InlineData("X-Task", "tags_generation", true)]
    [InlineData("X-Task", "follow_up_generation", true)]
    [InlineData("X-Task", "memory_review", true)]
    [InlineData("X-Task", "query_generation", false)]
    [InlineData("X-Task", "moa_response_generation", false)]
    [InlineData("X-Priority", "background", true)]
    [InlineData("X-Priority", "Background", true)]
    [InlineData("X-Priority", "foreground", false)]
    public async Task Is_Headers_SayItForCertain(string name, string value, bool expected)
    {
        using var request = await ReadAsync($$"""{"model":"m","messages":{{(expected ? "[]" : Title)}}}""");

        Assert.Equal(expected, BackgroundWork.Is(new HeaderDictionary { [name] = value }, request));
    }

    [Fact]
    public async Task Is_EmptyTaskHeader_IsThePersonsOwnWhateverItLooksLike()
    {
        using var request = await ReadAsync($$"""{"model":"m","messages":{{Title}}}""");

        Assert.False(BackgroundWork.Is(new HeaderDictionary { ["X-Task"] = "" }, request));
    }

    [Fact]
    public void AreOfATask_InPiecesOfAnySize_IsTheSame()
    {
        var bytes = Encoding.UTF8.GetBytes(Title + ",\"max_tokens\":1000}");
        var random = new Random(7);
        for (var i = 0; i < 200; i++)
        {
            Assert.True(BackgroundWork.AreOfATask(Pieces.Sequence(bytes, random)));
        }
    }

    [Theory]
    [InlineData("300", 300)]
    [InlineData("\"5m\"", 300)]
    [InlineData("\"1h30m\"", 5400)]
    [InlineData("\"1.5s\"", 1.5)]
    [InlineData("\"250ms\"", 0.25)]
    [InlineData("0", 0)]
    [InlineData("\"0\"", 0)]
    [InlineData("\"600\"", 600)]
    public async Task KeepAlive_Written_IsThatLong(string value, double seconds)
    {
        using var request = await ReadAsync($$"""{"model":"m","keep_alive":{{value}}}""");

        Assert.Equal(TimeSpan.FromSeconds(seconds), request.KeepAlive);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("\"-1\"")]
    [InlineData("\"-5m\"")]
    [InlineData("1e12")]
    public async Task KeepAlive_BelowZeroOrBeyondAYear_IsForEver(string value)
    {
        using var request = await ReadAsync($$"""{"model":"m","keep_alive":{{value}}}""");

        Assert.Equal(Timeout.InfiniteTimeSpan, request.KeepAlive);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("\"soon\"")]
    [InlineData("\"-\"")]
    [InlineData("\"5 m\"")]
    [InlineData("\"5mm\"")]
    [InlineData("true")]
    [InlineData("{\"a\":[1]}")]
    [InlineData("\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"")]
    public async Task KeepAlive_NotUnderstood_IsAWishThatIsOverlooked(string value)
    {
        using var request = await ReadAsync($$"""{"model":"m","keep_alive":{{value}},"stream":true}""");

        Assert.Null(request.KeepAlive);
        Assert.True(request.Stream);
    }

    private static async Task<InferenceRequest> ReadAsync(string body)
    {
        var http = new DefaultHttpContext().Request;
        http.Body = new MemoryStream(Encoding.UTF8.GetBytes(body));
        var (request, error) = await RequestReader.ReadAsync(http, InferenceRoute.ChatCompletions, new LimitOptions { RequestBody = new ByteSize(long.MaxValue) }, TestContext.Current.CancellationToken);
        Assert.Null(error);
        return request!;
    }
}
