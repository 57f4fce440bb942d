using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>Forms with large files through the real gateway.</summary>
public sealed class UploadTests : IAsyncLifetime
{
    private const string Path = "/v1/audio/transcriptions";
    private const string Type = "multipart/form-data; boundary=b";
    private static readonly string Audio = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n" + new string('a', 3 << 20) + "\r\n";
    private static readonly string Model = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nalias\r\n--b--\r\n";
    private Gateway _gateway = null!;

    public async ValueTask InitializeAsync() => _gateway = await Gateway.StartAsync("""
        "steady": {"Runner":"demo","Memory":"100MB","Aliases":["alias"]}
        """, """
        "Memory":{"Reserve":"0GB"},"Limits":{"Upload":"8MB","SpillAfter":"1MB"}
        """);

    public ValueTask DisposeAsync() => _gateway.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Form_ModelBehindALargeFile_ReachesTheRunnerWithItsLength(bool chunked)
    {
        await SendAsync(Audio + Model, chunked);

        var port = (await _gateway.RunningAsync()).Single(m => m.Model == "steady").Port;
        using var client = new HttpClient();
        var last = JsonDocument.Parse(await client.GetStringAsync(new Uri($"http://127.0.0.1:{port}/demo/last"), TestContext.Current.CancellationToken)).RootElement;
        Assert.Equal(Path, last.GetProperty("path").GetString());
        Assert.Contains(Type, last.GetRawText(), StringComparison.Ordinal);
        var body = last.GetProperty("body").GetString()!;
        Assert.StartsWith(Audio, body, StringComparison.Ordinal);
        Assert.Equal(Encoding.UTF8.GetByteCount(body), last.GetProperty("bytes").GetInt32());
        Assert.DoesNotContain("chunked", last.GetProperty("headers").GetRawText(), StringComparison.Ordinal);
        await NothingIsLeftAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Form_OverTheLimit_IsRefusedWhileTheClientStillSends(bool chunked)
    {
        var answer = await SendAsync(Audio + Audio + Audio + Audio + Model, chunked);

        Assert.Equal((413, "request_too_large"), (answer.Status, answer.Code));
        Assert.Contains("Limits:Upload", answer.Message, StringComparison.Ordinal);
        await NothingIsLeftAsync();
    }

    [Fact]
    public async Task Client_VanishingInTheMiddleOfAnUpload_LeavesNoFileAndNoDescriptor()
    {
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            await socket.ConnectAsync(_gateway.Address.Host, _gateway.Address.Port, TestContext.Current.CancellationToken);
            var text = $"POST {Path} HTTP/1.1\r\nHost: {_gateway.Address.Authority}\r\nContent-Type: {Type}\r\nContent-Length: 7000000\r\n\r\n{Audio}";
            for (var rest = Encoding.UTF8.GetBytes(text).AsMemory(); !rest.IsEmpty;)
            {
                rest = rest[await socket.SendAsync(rest, TestContext.Current.CancellationToken)..];
            }

            // It is on disk by now, and loses its name there as soon as it is open.
            await Gateway.UntilAsync(() => !OperatingSystem.IsLinux() || Descriptors() is [var upload] && upload.EndsWith(" (deleted)", StringComparison.Ordinal));
            Assert.Empty(Files());
            socket.LingerState = new LingerOption(true, 0);
        }

        await NothingIsLeftAsync();
    }

    private async Task NothingIsLeftAsync()
    {
        await Gateway.UntilAsync(() => Descriptors().Length == 0);
        Assert.Empty(Files());
    }

    private string[] Files() => Directory.Exists(Uploads) ? Directory.GetFiles(Uploads) : [];

    private string Uploads => System.IO.Path.Combine(_gateway.StateFolder, "uploads");

    private string[] Descriptors() => !OperatingSystem.IsLinux() ? [] :
        [.. new DirectoryInfo($"/proc/{_gateway.Pid}/fd").GetFiles().Select(f => f.LinkTarget ?? "").Where(t => t.StartsWith(Uploads, StringComparison.Ordinal))];

    private async Task<Answer> SendAsync(string body, bool chunked)
    {
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", Type);
        using var request = new HttpRequestMessage(HttpMethod.Post, Path) { Content = content };
        request.Headers.TransferEncodingChunked = chunked;
        return await _gateway.SendAsync(request);
    }
}
