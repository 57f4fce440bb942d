using MlxGateway.Inference;
using MlxGateway.RemoteImages;
using MlxGateway.Tests.Inference;
using Xunit;

namespace MlxGateway.Tests.RemoteImages;

/// <summary>How images are fetched: over connections that can be trusted, a few at the same time, and no longer than somebody waits.</summary>
public sealed class ImageFetchingTests
{
    private static readonly string PngData = Convert.ToBase64String(ImageServer.Png);

    [Fact]
    public async Task Https_CertificateNobodyVouchesFor_IsRefusedAndNothingIsAsked()
    {
        await using var server = ImageServer.StartSelfSigned();
        server.Answer("/a.png", ImageServer.Png);

        var (error, _) = await ShapeAsync(Chat([$"https://images.test:{server.Port}/a.png?secret"]), TestContext.Current.CancellationToken);

        Assert.Equal((400, "invalid_request", "messages"), (error!.Status, error.Code, error.Param));
        Assert.Equal("The image at 'images.test' was not fetched: its server has no certificate that can be trusted.", error.Message);
        Assert.Empty(server.Asked);
    }

    [Fact]
    public async Task Many_AreFetchedFourAtATime()
    {
        await using var server = ImageServer.StartHeld();
        var paths = Enumerable.Range(0, 9).Select(i => $"/{i}.png").ToList();
        paths.ForEach(p => server.Answer(p, [.. ImageServer.Png, (byte)p[1]]));

        var shaping = ShapeAsync(Chat(paths.Select(p => $"http://images.test:{server.Port}{p}")), TestContext.Current.CancellationToken);
        await server.AtOnceAsync(4).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal(4, server.Asked.Count);
        server.Gate.SetResult();
        var (error, body) = await shaping;

        Assert.Null(error);
        Assert.Equal(Chat(paths.Select(p => $"data:image/png;base64,{Convert.ToBase64String([.. ImageServer.Png, (byte)p[1]])}")), body);
        Assert.Equal(4, server.Most);
        Assert.Equal(paths, server.Asked.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Many_OneIsNotThere_TheOthersAreNotWaitedFor()
    {
        await using var server = ImageServer.StartHeld();
        var urls = new[] { $"http://images.test:{server.Port}/a.png", "http://unknown.test/b.png" };

        var (error, _) = await ShapeAsync(Chat(urls), TestContext.Current.CancellationToken);

        Assert.Contains("'unknown.test' was not fetched: its name is not known", error!.Message, StringComparison.Ordinal);
        if (!server.Asked.IsEmpty)
        {
            await server.ClientLeft.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Client_LeavesWhileItIsFetched_EndsTheFetch()
    {
        await using var server = ImageServer.StartHeld();
        server.Answer("/a.png", ImageServer.Png);
        using var left = new CancellationTokenSource();

        var shaping = ShapeAsync(Chat([$"http://images.test:{server.Port}/a.png"]), left.Token);
        await server.AtOnceAsync(1).WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        await left.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => shaping);
        await server.ClientLeft.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Image_NamedTwice_IsFetchedOnce()
    {
        await using var server = ImageServer.Start();
        server.Answer("/a.png", ImageServer.Png);
        var url = $"http://images.test:{server.Port}/a.png";

        var (error, body) = await ShapeAsync(Chat([url, url]), TestContext.Current.CancellationToken);

        Assert.Null(error);
        Assert.Equal(Chat([$"data:image/png;base64,{PngData}", $"data:image/png;base64,{PngData}"]), body);
        Assert.Single(server.Asked);
    }

    private static string Chat(IEnumerable<string> urls) =>
        $$"""{"messages":[{"role":"user","content":[{{string.Join(',', urls.Select(u => $$$"""{"type":"image_url","image_url":{"url":"{{{u}}}"}}"""))}}]}]}""";

    private static async Task<(GatewayError? Error, string Body)> ShapeAsync(string body, CancellationToken left)
    {
        var options = new RemoteImageOptions();
        using var request = await ClientExchange.RequestAsync(body);
        using var fetcher = ImageServer.Fetcher(options);
        var error = await new RemoteImageShaper(fetcher, options, TimeProvider.System).ShapeAsync((JsonRequest)request, new ClientExchange().Context, left);
        using var sent = new StreamReader(request.OpenBody());
        return (error, await sent.ReadToEndAsync(TestContext.Current.CancellationToken));
    }
}
