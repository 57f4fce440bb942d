using System.Net.Sockets;
using System.Text;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>Bad input gets a clear error, and nobody else notices.</summary>
public sealed class BadInputTests(DemoGateway fixture) : IClassFixture<DemoGateway>
{
    private Gateway Gateway => fixture.Gateway;

    public static TheoryData<string, int, string, string?> Bodies => new()
    {
        { "", 400, "invalid_request", null },
        { "{\"model\":\"steady\",\"messages\":[", 400, "invalid_request", null },
        { "[1]", 400, "invalid_request", null },
        { "nonsense", 400, "invalid_request", null },
        { "{\"model\":\"steady\"} trailing", 400, "invalid_request", null },
        { "{\"messages\":[]}", 400, "invalid_request", "model" },
        { "{\"model\":null}", 400, "invalid_request", "model" },
        { "{\"model\":7}", 400, "invalid_request", "model" },
        { "{\"model\":[\"steady\"]}", 400, "invalid_request", "model" },
        { "{\"model\":\"\"}", 400, "invalid_request", "model" },
        { "{\"model\":\"steady\",\"model\":\"steady\"}", 400, "invalid_request", "model" },
        { "{\"model\":\"steady\",\"mod\\u0065l\":\"steady\"}", 400, "invalid_request", "model" },
        { "{\"model\":\"\\ud800\"}", 400, "invalid_request", "model" },
        { "{\"model\":\"steady\",\"stream\":\"yes\"}", 400, "invalid_request", "stream" },
        { $"{{\"model\":\"{new string('x', 1 << 20)}\"}}", 404, "model_not_found", "model" },
        { "{\"model\":\"../../etc/passwd\"}", 404, "model_not_found", "model" },
        { "{\"model\":\"--trust-remote-code\"}", 404, "model_not_found", "model" },
        { "{\"model\":\"stea\\u0000dy\"}", 404, "model_not_found", "model" },
        { "{\"model\":\"absent\"}", 404, "model_files_missing", "model" },
        { "{\"model\":\"huge\"}", 400, "insufficient_memory", "model" },
        { $"{{\"model\":\"steady\",\"x\":{new string('[', 10_000)}{new string(']', 10_000)}}}", 400, "invalid_request", null },
    };

    [Theory]
    [MemberData(nameof(Bodies))]
    public async Task Body_Bad_IsRefusedWhileAnotherStreamRunsOn(string body, int status, string code, string? param)
    {
        using var other = await Gateway.OpenChatAsync("steady", "\"stream\":true,\"demo\":{\"tokens\":30,\"token_delay\":0.01}");
        await other.ReadUntilAsync("data: ");

        var answer = await Gateway.PostAsync("/v1/chat/completions", body);

        Assert.Equal((status, code, param), (answer.Status, answer.Code, answer.Json.GetProperty("error").GetProperty("param").GetString()));
        Assert.Equal("invalid_request_error", answer.Json.GetProperty("error").GetProperty("type").GetString());
        Assert.NotNull(answer.Header("x-request-id"));
        Assert.True(answer.Text.Length < 2000);
        Assert.Contains("data: [DONE]", await other.ReadUntilAsync("data: [DONE]"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Body_EscapedKey_IsTheModelAllTheSame()
    {
        var answer = await Gateway.PostAsync("/v1/chat/completions", "{\"mod\\u0065l\":\"gpt-4o-m\\u0069ni\",\"messages\":[]}");

        Assert.Equal(200, answer.Status);
        Assert.Equal("steady", answer.Json.GetProperty("model").GetString());
    }

    [Fact]
    public async Task Body_NotUtf8_IsRefused()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions") { Content = new ByteArrayContent([.. "{\"model\":\"steady\",\"x\":\""u8, 0xC3, 0x28, .. "\"}"u8]) };

        var answer = await Gateway.SendAsync(request);

        Assert.Equal((400, "invalid_request"), (answer.Status, answer.Code));
        Assert.Contains("UTF-8", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Body_OverTheLimit_Is413()
    {
        var answer = await Gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("steady", $"\"x\":\"{new string('x', 9 << 20)}\""));

        Assert.Equal((413, "request_too_large"), (answer.Status, answer.Code));
    }

    [Fact]
    public async Task Body_UnderTheLimit_PassesWhole()
    {
        var answer = await Gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("steady", $"\"x\":\"{new string('x', 7 << 20)}\""));

        Assert.Equal(200, answer.Status);
    }

    [Fact]
    public async Task Body_WithoutAJsonContentType_IsServedAllTheSame()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent(Gateway.ChatBody("steady"), Encoding.UTF8, "application/x-www-form-urlencoded"),
        };

        Assert.Equal(200, (await Gateway.SendAsync(request)).Status);
    }

    [Fact]
    public async Task Body_ShorterThanAnnounced_HarmsNobody()
    {
        using (var socket = new TcpClient(Gateway.Address.Host, Gateway.Address.Port))
        {
            await socket.GetStream().WriteAsync("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n{\"model\":\"steady\""u8.ToArray(), TestContext.Current.CancellationToken);
        }

        Assert.Equal(200, (await Gateway.ChatAsync("steady")).Status);
    }

    [Theory]
    [InlineData("GET", "/v1/nothing", 404, "not_found")]
    [InlineData("GET", "/v1/chat/completions", 405, "method_not_allowed")]
    [InlineData("DELETE", "/v1/models", 405, "method_not_allowed")]
    [InlineData("GET", "/api/models/unload", 405, "method_not_allowed")]
    [InlineData("POST", "/health", 405, "method_not_allowed")]
    public async Task Route_UnknownOrWrongMethod_HasTheErrorShape(string method, string path, int status, string code)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        var answer = await Gateway.SendAsync(request);

        Assert.Equal((status, code), (answer.Status, answer.Code));
        Assert.Equal(status == 405, answer.Header("Allow") is not null);
        Assert.NotNull(answer.Header("x-request-id"));
    }

    [Fact]
    public async Task Memory_CanNeverFit_SaysWhyWithNumbersAndEvictsNobody()
    {
        await Gateway.ChatAsync("steady");
        var before = (await Gateway.RunningAsync()).Single(m => m.Model == "steady");

        var answer = await Gateway.ChatAsync("huge");

        var error = answer.Json.GetProperty("error");
        Assert.Equal(100_000L << 30, error.GetProperty("required_bytes").GetInt64());
        Assert.True(error.GetProperty("budget_bytes").GetInt64() > 0);
        Assert.True(error.GetProperty("available_bytes").GetInt64() > 0);
        Assert.True(error.GetProperty("evictable_bytes").GetInt64() > 0);
        Assert.Matches(@"^Only [\d.]+ GB available, but at least 100000\.00 GB is needed for huge", answer.Message);
        Assert.Equal(before.Pid, (await Gateway.RunningAsync()).Single(m => m.Model == "steady").Pid);
    }

    [Fact]
    public async Task Launch_Fails_SaysTheLastLinesAndWhenToComeBack()
    {
        var answer = await Gateway.ChatAsync("broken");

        Assert.Equal((503, "model_launch_failed"), (answer.Status, answer.Code));
        Assert.Contains("exit code 3", answer.Message, StringComparison.Ordinal);
        Assert.InRange(int.Parse(answer.Header("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture), 1, 60);
    }
}
