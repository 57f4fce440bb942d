using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MlxGateway.Inference;
using MlxGateway.RemoteImages;
using MlxGateway.Supervision.Models;
using MlxGateway.Tests.Inference;
using Xunit;

namespace MlxGateway.Tests.RemoteImages;

/// <summary>Images by address, fetched from a server that may be hostile. It listens on loopback; names and what is allowed are the tests' own.</summary>
public sealed class RemoteImageShaperTests : IAsyncLifetime
{
    private static readonly byte[] Png = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, 1, 2, 3, 4, 5];
    private readonly RemoteImageOptions _options = new();
    private readonly TcpListener _listener = new(IPAddress.Any, 0);
    private readonly ConcurrentDictionary<string, byte[]> _answers = new();
    private readonly ConcurrentQueue<string> _asked = new();
    private Task _serving = Task.CompletedTask;

    private static string PngData => Convert.ToBase64String(Png);

    private int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public ValueTask InitializeAsync()
    {
        _listener.Server.ExclusiveAddressUse = true;
        _listener.Start();
        _serving = ServeAsync();
        return default;
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _serving;
    }

    [Theory]
    [InlineData("""{"messages":[{"content":[{"type":"image_url","image_url":{"url":"URL","detail":"low"}}]}]}""", """{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,PNG","detail":"low"}}]}]}""")]
    [InlineData("""{"messages":[{"content":[{"type":"image_url","image_url": "URL" }]}], "n":1}""", """{"messages":[{"content":[{"type":"image_url","image_url": "data:image/png;base64,PNG" }]}], "n":1}""")]
    [InlineData("""{"input":[{"content":[{"type":"input_image","image_url":"URL"}]}]}""", """{"input":[{"content":[{"type":"input_image","image_url":"data:image/png;base64,PNG"}]}]}""")]
    [InlineData("""{"messages":[{"content":[{"type":"image","source":{ "url":"URL", "type":"url"}}]}]}""", """{"messages":[{"content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"PNG"}}]}]}""")]
    [InlineData("""{"messages":[{"content":[{"type":"image_url","image\u005furl":{"\u0075rl":"URL"}}]}]}""", """{"messages":[{"content":[{"type":"image_url","image\u005furl":{"\u0075rl":"data:image/png;base64,PNG"}}]}]}""")]
    [InlineData("""{"messages":[{"content":[{"type":"image_url","image_url":{"url":"URL"}},{"type":"image_url","image_url":{"url":"URL"}}]}]}""", """{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,PNG"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,PNG"}}]}]}""")]
    [InlineData("""{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]}]}""", """{"messages":[{"content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]}]}""")]
    [InlineData("""{"messages":[{"content":[{"type":"tool_use","input":{"image_url":"URL"}}]}],"tools":[{"image_url":"URL"}]}""", """{"messages":[{"content":[{"type":"tool_use","input":{"image_url":"URL"}}]}],"tools":[{"image_url":"URL"}]}""")]
    public async Task Shape_Images_AreSplicedIn(string sent, string got)
    {
        Answer("/a.png", Png);
        var url = $"http://images.test:{Port}/a.png?sig=secret";

        var (error, body) = await ShapeAsync(sent.Replace("URL", url, StringComparison.Ordinal));

        Assert.Null(error);
        Assert.Equal(got.Replace("PNG", PngData, StringComparison.Ordinal).Replace("URL", url, StringComparison.Ordinal), body);
        Assert.InRange(_asked.Count, 0, 1);
    }

    [Fact]
    public async Task Shape_LargeImage_ArrivesByteForByte()
    {
        var image = new byte[1_000_003];
        new Random(1).NextBytes(image);
        Png.CopyTo(image, 0);
        Answer("/a.png", image);
        Answer("/b.png", image, "", length: false);

        foreach (var path in (string[])["/a.png", "/b.png"])
        {
            var (error, body) = await ShapeAsync(Chat($"http://images.test:{Port}{path}"));

            Assert.Null(error);
            Assert.Equal(Chat($"data:image/png;base64,{Convert.ToBase64String(image)}"), body);
        }
    }

    [Theory]
    [InlineData("file:///etc/passwd", "by http and https only, not by 'file'")]
    [InlineData("ftp://images.test/a.png", "not by 'ftp'")]
    [InlineData("/etc/passwd.png", "http and https only|no absolute address")]
    [InlineData("", "no absolute address")]
    [InlineData("http://me:secret@images.test:PORT/a.png", "must not hold a user name or password")]
    [InlineData("http://inner.test:PORT/a.png", "not one of the public internet")]
    [InlineData("http://127.0.0.2:PORT/a.png", "not one of the public internet")]
    [InlineData("http://unknown.test:PORT/a.png", "its name is not known")]
    [InlineData("http://images.test:PORT/to-inner?secret", "not one of the public internet")]
    [InlineData("http://images.test:PORT/to-file", "not by 'file'")]
    [InlineData("http://images.test:PORT/in-circles", "redirected more than 3 times")]
    [InlineData("http://images.test:PORT/nowhere", "redirected to nowhere")]
    [InlineData("http://images.test:PORT/page.png", "no PNG, JPEG, WebP or GIF")]
    [InlineData("http://images.test:PORT/empty.png", "no PNG, JPEG, WebP or GIF")]
    [InlineData("http://images.test:PORT/missing", "answered with status 404")]
    [InlineData("http://images.test:PORT/huge.png", "larger than")]
    [InlineData("http://images.test:PORT/endless.png", "larger than")]
    [InlineData("http://images.test:PORT/cut.png", "broke|not speak HTTP")]
    [InlineData("http://images.test:PORT/noise", "not speak HTTP")]
    [InlineData("http://images.test:PORT/slow", "not there after 0.3 s")]
    public async Task Shape_WhatIsNoImageOfTheInternet_IsRefusedWithItsCause(string url, string cause)
    {
        _options.MaxBytes = new ByteSize(100_000);
        _options.Timeout = url.EndsWith("/slow", StringComparison.Ordinal) ? TimeSpan.FromSeconds(0.3) : _options.Timeout;
        Answer("/a.png", Png);
        Redirect("/to-inner", $"http://127.0.0.2:{Port}/a.png");
        Redirect("/to-file", "file:///etc/passwd");
        Redirect("/in-circles", "/in-circles");
        _answers["/nowhere"] = "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"u8.ToArray();
        Answer("/page.png", "<html>secret</html>"u8.ToArray(), "Content-Type: image/png\r\n");
        Answer("/empty.png", []);
        Answer("/huge.png", Png, "X: y\r\n", announced: 100_001);
        Answer("/endless.png", [.. Png, .. new byte[200_000]], "", length: false);
        Answer("/cut.png", Png, "", announced: 50_000);
        _answers["/noise"] = "SSH-2.0-OpenSSH_9.9\r\n\r\n"u8.ToArray();

        var (error, _) = await ShapeAsync(Chat(url.Replace("PORT", $"{Port}", StringComparison.Ordinal)));

        Assert.NotNull(error);
        Assert.Equal((400, "invalid_request", "messages"), (error.Status, error.Code, error.Param));
        Assert.Contains(cause.Split('|'), c => error.Message.Contains(c, StringComparison.Ordinal));
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_asked, a => a.StartsWith("127.0.0.2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Shape_SwitchedOffOrTooMany_SaysSo()
    {
        var two = """{"messages":[{"content":[{"image_url":"http://images.test/1"},{"image_url":"http://images.test/2"}]}]}""";
        _options.MaxCount = 1;
        var (many, _) = await ShapeAsync(two);
        _options.Enabled = false;
        var (off, _) = await ShapeAsync(two);

        Assert.Contains("2 images", many!.Message, StringComparison.Ordinal);
        Assert.Contains("RemoteImages:Enabled is false", off!.Message, StringComparison.Ordinal);
        Assert.Empty(_asked);
    }

    [Theory]
    [InlineData("8.8.8.8", true)]
    [InlineData("172.15.0.1", true)]
    [InlineData("172.32.0.1", true)]
    [InlineData("2606:4700::1111", true)]
    [InlineData("64:ff9b::808:808", true)]
    [InlineData("0.0.0.0", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("127.9.9.9", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("172.16.0.1", false)]
    [InlineData("172.31.255.255", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("224.0.0.251", false)]
    [InlineData("255.255.255.255", false)]
    [InlineData("::", false)]
    [InlineData("::1", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("::127.0.0.1", false)]
    [InlineData("64:ff9b::7f00:1", false)]
    [InlineData("64:ff9b:1::1", false)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("2001:0:1::1", false)]
    [InlineData("2001:db8::1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fec0::1", false)]
    [InlineData("fd00::1", false)]
    [InlineData("ff02::1", false)]
    public void Address_IsPublicOrNot(string address, bool isPublic) => Assert.Equal(isPublic, PublicAddress.Is(IPAddress.Parse(address)));

    [Fact]
    public void MayBeIn_NamesThatCrossBlocks_AreSeen()
    {
        var bytes = """{"messages":[{"x":{"url":"h"}}]}"""u8.ToArray();
        for (var cut = 1; cut < bytes.Length; cut++)
        {
            var last = new Piece(bytes.AsMemory(cut), null!);
            var first = new Piece(bytes.AsMemory(0, cut), last);
            Assert.True(ImageParts.MayBeIn(new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length)));
        }

        Assert.False(ImageParts.MayBeIn(new ReadOnlySequence<byte>("""{"messages":[{"content":"an url, caf\u00e9"}]}"""u8.ToArray())));
    }

    private static string Chat(string url) => $$$"""{"messages":[{"content":[{"type":"image_url","image_url":{"url":"{{{url}}}"}}]}]}""";

    private async Task<(GatewayError? Error, string Body)> ShapeAsync(string body)
    {
        using var request = await ClientExchange.RequestAsync(body);
        using var fetcher = new ImageFetcher(
            _options,
            (host, _) => Task.FromResult<IPAddress[]>(IPAddress.TryParse(host, out var literal) ? [literal] : host switch
            {
                "images.test" => [IPAddress.Loopback],
                "inner.test" => [IPAddress.Parse("127.0.0.2")],
                _ => throw new SocketException((int)SocketError.HostNotFound),
            }),
            address => address.Equals(IPAddress.Loopback));
        var error = await new RemoteImageShaper(fetcher, _options, TimeProvider.System).ShapeAsync((JsonRequest)request, new ClientExchange().Context, TestContext.Current.CancellationToken);
        using var sent = new StreamReader(request.OpenBody());
        return (error, await sent.ReadToEndAsync(TestContext.Current.CancellationToken));
    }

    private void Redirect(string path, string to) => _answers[path] = Encoding.ASCII.GetBytes($"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");

    private void Answer(string path, byte[] body, string headers = "", bool length = true, int? announced = null) =>
        _answers[path] = [.. Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\n{headers}{(length ? $"Content-Length: {announced ?? body.Length}\r\n" : "")}Connection: close\r\n\r\n"), .. body];

    private async Task ServeAsync()
    {
        var served = new List<Task>();
        try
        {
            while (true)
            {
                served.Add(ServeAsync(await _listener.AcceptTcpClientAsync()));
            }
        }
        catch (Exception stopped) when (stopped is SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(served);
        }
    }

    // One answer for each connection. What is slow says nothing until the client has left.
    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                using var reader = new StreamReader(stream);
                var path = (await reader.ReadLineAsync())!.Split(' ')[1].Split('?')[0];
                _asked.Enqueue($"{((IPEndPoint)client.Client.LocalEndPoint!).Address.MapToIPv4()}{path}");
                while (await reader.ReadLineAsync() is { Length: > 0 })
                {
                }

                if (path == "/slow")
                {
                    _ = await reader.ReadLineAsync();
                    return;
                }

                await stream.WriteAsync(_answers.GetValueOrDefault(path) ?? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray());
            }
            catch (IOException)
            {
                // The client left.
            }
        }
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, Piece next)
        {
            (Memory, Next) = (memory, next);
            if (next is not null)
            {
                next.RunningIndex = memory.Length;
            }
        }
    }
}
