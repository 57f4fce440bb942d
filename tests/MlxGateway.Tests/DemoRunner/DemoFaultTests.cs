using System.Text.RegularExpressions;
using Xunit;

namespace MlxGateway.Tests.DemoRunner;

public sealed partial class DemoFaultTests(DemoFaultTests.Fixture fixture) : IClassFixture<DemoFaultTests.Fixture>
{
    private Demo Demo => fixture.Demo;

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task Cut_Streamed_EndsCleanlyAndIsNotWhole(int chunks)
    {
        using var connection = await Demo.OpenChatAsync($$"""
            "stream":true,"demo":{"cut_after":{{chunks}}}
            """);
        var (text, ending) = await connection.ReadToEndAsync();

        Assert.Equal(Ending.Closed, ending);
        Assert.Equal(chunks, Chunk().Count(text));
        Assert.Equal(0, text.LastIndexOf("HTTP/1.1", StringComparison.Ordinal));
        Assert.EndsWith("0\r\n\r\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\"finish_reason\":\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reset_Streamed_ArrivesBehindTheChunks()
    {
        using var connection = await Demo.OpenChatAsync("""
            "stream":true,"demo":{"reset_after":3}
            """);
        var (text, ending) = await connection.ReadToEndAsync();

        Assert.Equal(Ending.Reset, ending);
        Assert.Equal(3, Chunk().Count(text));
    }

    [Fact]
    public async Task Reset_BeforeTheFirstChunk_SendsNothing()
    {
        using var connection = await Demo.OpenChatAsync("""
            "stream":true,"demo":{"reset_after":0}
            """);

        Assert.Equal(("", Ending.Reset), await connection.ReadToEndAsync());
    }

    [Fact]
    public async Task Reset_NotStreamed_SendsHalfOfIt()
    {
        using var connection = await Demo.OpenChatAsync("""
            "demo":{"reset_after":3}
            """);
        var (text, ending) = await connection.ReadToEndAsync();

        Assert.Equal(Ending.Reset, ending);
        var announced = int.Parse(Length().Match(text).Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(announced / 2, text[(text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..].Length);
    }

    [Fact]
    public async Task Hang_Streamed_SendsTheChunksAndStaysOpen()
    {
        var aborted = (await Demo.CountsAsync()).GetProperty("aborted").GetInt32();
        using (var connection = await Demo.OpenChatAsync("""
            "stream":true,"demo":{"hang_after":2}
            """))
        {
            await connection.ReadUntilAsync(" from");
            await Demo.UntilAsync("running", 1); // one of another test may be over for its client and not yet here
        }

        // ... until the client leaves.
        await Demo.UntilAsync("aborted", aborted + 1);
        await Demo.UntilAsync("running", 0);
    }

    [Fact]
    public async Task Endless_ClientLeaves_IsCountedAsAborted()
    {
        var aborted = (await Demo.CountsAsync()).GetProperty("aborted").GetInt32();
        using (var connection = await Demo.OpenChatAsync("""
            "stream":true,"demo":{"endless":true,"token_delay":0.001,"say":"on and"}
            """))
        {
            await connection.ReadUntilAsync(" and");
        }

        await Demo.UntilAsync("aborted", aborted + 1);
    }

    [Fact]
    public async Task CloseDelimited_Streamed_IsWholeWithoutChunks()
    {
        using var connection = await Demo.OpenChatAsync("""
            "stream":true,"demo":{"close_delimited":true,"tokens":3}
            """);
        var (text, ending) = await connection.ReadToEndAsync();

        Assert.Equal(Ending.Closed, ending);
        Assert.StartsWith("HTTP/1.0 200 ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Transfer-Encoding", text, StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CloseAfterStream_Streamed_ClosesUnannounced()
    {
        using var connection = await Demo.OpenChatAsync("""
            "stream":true,"demo":{"close_after_stream":true,"tokens":3}
            """);
        var (text, ending) = await connection.ReadToEndAsync();

        Assert.Equal(Ending.Closed, ending);
        Assert.DoesNotContain("Connection:", text, StringComparison.Ordinal);
        Assert.Contains("data: [DONE]", text, StringComparison.Ordinal);
        Assert.EndsWith("0\r\n\r\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CloseAfterStream_NotStreamed_KeepsTheConnection()
    {
        using var connection = await Demo.OpenChatAsync("""
            "demo":{"close_after_stream":true}
            """);
        await connection.ReadUntilAsync("\"total_tokens\"");
        await connection.SendAsync("/v1/embeddings", """{"input":"again"}""");

        Assert.Contains("\"embedding\"", await connection.ReadUntilAsync("\"usage\""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prefill_Streamed_IsSilentBeforeTheFirstByte()
    {
        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        using var connection = await Demo.OpenChatAsync("""
            "stream":true,"demo":{"prefill":0.2}
            """);
        await connection.ReadUntilAsync("HTTP");

        Assert.InRange(System.Diagnostics.Stopwatch.GetElapsedTime(start), TimeSpan.FromSeconds(0.19), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Die_Streamed_EndsInTheMiddleWithTheProcess()
    {
        await using var demo = await Demo.ListenAsync("--die-after", "3");
        using var connection = await demo.OpenChatAsync("\"stream\":true");
        var (text, _) = await connection.ReadToEndAsync();

        Assert.Equal(3, Chunk().Count(text));
        Assert.False(text.EndsWith("0\r\n\r\n", StringComparison.Ordinal));
        Assert.Equal(128 + 9, await demo.ExitCodeAsync());
    }

    [GeneratedRegex("data: \\{")]
    private static partial Regex Chunk();

    [GeneratedRegex("Content-Length: ([0-9]+)")]
    private static partial Regex Length();

    public sealed class Fixture : IAsyncLifetime
    {
        public Demo Demo { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Demo = await Demo.ListenAsync();

        public ValueTask DisposeAsync() => Demo.DisposeAsync();
    }
}
