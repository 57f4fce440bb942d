using System.Text;
using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Inference.Waiting;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using Xunit;

namespace MlxGateway.Tests.Inference;

public sealed class ErrorWriterTests
{
    private readonly ClientExchange _client = new();

    [Theory]
    [InlineData(400, "invalid_request_error")]
    [InlineData(401, "authentication_error")]
    [InlineData(403, "invalid_request_error")]
    [InlineData(404, "invalid_request_error")]
    [InlineData(405, "invalid_request_error")]
    [InlineData(413, "invalid_request_error")]
    [InlineData(429, "rate_limit_error")]
    [InlineData(500, "server_error")]
    [InlineData(502, "server_error")]
    [InlineData(503, "server_error")]
    public async Task Write_Status_DecidesTheType(int status, string type)
    {
        await ErrorWriter.WriteAsync(_client.Context, new GatewayError(status, "a_code", "A sentence with \"quotes\", <tags>, ä and\na line."));

        Assert.Equal(status, _client.Response.StatusCode);
        Assert.Equal(["message", "type", "param", "code"], _client.Error.EnumerateObject().Select(p => p.Name));
        Assert.Equal((type, "a_code"), (_client.Error.GetProperty("type").GetString(), _client.Error.GetProperty("code").GetString()));
        Assert.Equal("A sentence with \"quotes\", <tags>, ä and\na line.", _client.Error.GetProperty("message").GetString());
        Assert.Equal(JsonValueKind.Null, _client.Error.GetProperty("param").ValueKind);
    }

    [Theory]
    [InlineData(503, -5.0, "1")]
    [InlineData(503, 0.0, "1")]
    [InlineData(503, 0.2, "1")]
    [InlineData(503, 1.2, "2")]
    [InlineData(503, 59.5, "60")]
    [InlineData(503, 3600.0, "60")]
    [InlineData(429, 1e9, "60")]
    [InlineData(503, null, "5")]
    [InlineData(429, null, "5")]
    [InlineData(502, 3.0, "3")]
    [InlineData(502, null, null)]
    [InlineData(400, null, null)]
    public async Task Write_RetryAfter_IsWholeSecondsThatClientsHeed(int status, double? seconds, string? header)
    {
        await ErrorWriter.WriteAsync(_client.Context, new GatewayError(status, "c", "m") { RetryAfter = seconds is { } s ? TimeSpan.FromSeconds(s) : null });

        Assert.Equal(header, (string?)_client.Response.Headers.RetryAfter);
    }

    [Fact]
    public async Task Write_MemoryShortage_CarriesItsNumbers()
    {
        await ErrorWriter.WriteAsync(_client.Context, new GatewayError(400, "insufficient_memory", "m") { Shortage = new MemoryShortage(new ByteSize(4), new ByteSize(3), new ByteSize(2), new ByteSize(1)) });

        Assert.Equal(
            [4, 3, 2, 1],
            new[] { "required_bytes", "budget_bytes", "available_bytes", "evictable_bytes" }.Select(n => _client.Error.GetProperty(n).GetInt64()));
    }

    [Fact]
    public async Task Write_Loading_SaysHowFarItIs()
    {
        await ErrorWriter.WriteAsync(_client.Context, new GatewayError(503, "model_loading", "m") { Loading = new LoadProgress("vision", "launching", TimeSpan.FromSeconds(12.345), 43, TimeSpan.FromSeconds(16)) });

        Assert.Equal("""{"model":"vision","state":"launching","elapsed_seconds":12.3,"percent":43,"eta_seconds":16}""", _client.Error.GetProperty("loading").GetRawText());
    }

    [Fact]
    public async Task Write_WrongMethod_NamesTheRightOnes()
    {
        await ErrorWriter.WriteAsync(_client.Context, new GatewayError(405, "method_not_allowed", "m") { Allow = "POST" });

        Assert.Equal("POST", (string?)_client.Response.Headers.Allow);
    }

    [Fact]
    public async Task Write_ForHead_HasTheLengthAndNoBody()
    {
        _client.Context.Request.Method = "HEAD";
        await ErrorWriter.WriteAsync(_client.Context, new GatewayError(404, "c", "m"));

        Assert.Empty(_client.Received);
        Assert.True(_client.Response.ContentLength > 0);
    }

    [Fact]
    public void ToEvent_MessageOfSeveralLines_IsOneEventOfOneLine()
    {
        var text = Encoding.UTF8.GetString(ErrorWriter.ToEvent(new GatewayError(502, "runner_failed", "one\ntwo\r\n\r\nthree\u2028\ud800")));

        Assert.StartsWith("data: ", text, StringComparison.Ordinal);
        Assert.Equal(text.Length - 2, text.IndexOf('\n', StringComparison.Ordinal));
        Assert.DoesNotContain('\r', text);
        Assert.StartsWith("one\ntwo\r\n\r\nthree", JsonDocument.Parse(text[6..]).RootElement.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
    }
}
