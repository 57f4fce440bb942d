using System.Globalization;
using System.Text;
using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Tests.RemoteImages;
using Xunit;

namespace MlxGateway.Tests.Inference.Asking;

/// <summary>
/// What clients send, and what engines get of it, byte for byte, whatever blocks the body lies in. Each golden file says for which engine and by which route, holds the request, and behind it what the engine
/// gets, what the client is told instead, or what the pool is told.
/// </summary>
public sealed class GoldenRequestTests
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Inference", "Golden", "Requests");

    public static TheoryData<string> Files() => [.. Directory.EnumerateFiles(Folder, "*.txt").Select(static f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Request_InOneBlockAndInSingleBytes_IsTheGoldenOne(string name)
    {
        var golden = Golden.Read(await File.ReadAllTextAsync(Path.Combine(Folder, name + ".txt"), TestContext.Current.CancellationToken));
        await using var server = ImageServer.Start();
        server.Answer("/a.png", ImageServer.Png);
        using var fetcher = ImageServer.Fetcher(new());
        var chain = new ShapingChain(fetcher);

        foreach (var block in (int[])[int.MaxValue, 1])
        {
            var got = await RunAsync(golden, chain, golden.Sent.Replace("PORT", $"{server.Port}", StringComparison.Ordinal), block);

            Assert.Equal(golden.Expected, got);
        }
    }

    private static async Task<string> RunAsync(Golden golden, ShapingChain chain, string sent, int block)
    {
        using var bytes = new MemoryStream(Encoding.UTF8.GetBytes(sent));
        var (request, unread) = JsonRequest.Check(golden.Route, PooledBody.Read(bytes, block));
        if (unread is not null)
        {
            return Say(unread);
        }

        using (request)
        {
            var client = new ClientExchange();
            using var exchange = ShapingChain.Exchange(request!, client);
            if (golden.IsAboutTerms)
            {
                return Terms(golden, exchange);
            }

            if (await chain.RunAsync(exchange, golden.Model) is { } error)
            {
                return Say(error);
            }

            using var body = new StreamReader(request!.OpenBody());
            var got = await body.ReadToEndAsync(TestContext.Current.CancellationToken);
            using var json = JsonDocument.Parse(got);
            return got;
        }
    }

    private static string Say(GatewayError error) => $"{error.Status} {error.Code} {error.Param}\n{error.Message}";

    private static string Terms(Golden golden, InferenceExchange exchange)
    {
        var headers = exchange.Context.Request.Headers;
        golden.Headers.ForEach(h => headers[h.Name] = h.Value);
        var standIn = new ModelSpec { Id = "small", Runner = KindNames.Demo };
        var known = new CatalogSnapshot([standIn], new Dictionary<string, DateTimeOffset> { ["small"] = default }, null);
        var terms = RequestTerms.Of(exchange.Context, exchange.Request, BackgroundWork.Is(headers, exchange.Request), known, "small");
        var keep = terms.KeepAlive is not { } time ? "as it is" : time == Timeout.InfiniteTimeSpan ? "for ever" : time.ToString("c", CultureInfo.InvariantCulture);
        return $"background: {terms.IsBackground}\nstand-in: {terms.StandIn?.Id ?? "none"}\nkeep: {keep}\nclient: {terms.Client}";
    }

    private sealed record Golden(InferenceRoute Route, ModelSpec Model, List<(string Name, string Value)> Headers, string Sent, string Expected, bool IsAboutTerms)
    {
        // A line "name: value" for each of what is given, then the two parts, each with a line break behind it that is not its own.
        public static Golden Read(string text)
        {
            var parts = text.Split("=== ");
            var given = parts[0].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(": ", 2)).ToLookup(p => p[0], p => p[1]);
            var model = new ModelSpec
            {
                Id = "mine",
                Runner = given["engine"].Single(),
                UpstreamModel = "theirs",
                Context = given["context"].Select(c => (int?)int.Parse(c, CultureInfo.InvariantCulture)).FirstOrDefault(),
                Modalities = given["sees"].Any() ? [Modality.Text, Modality.Image] : Modality.TextAlone,
            };
            return new Golden(
                InferenceRoute.All.Single(r => r.Path == given["route"].Single()),
                model,
                [.. given["header"].Select(h => h.Split(": ", 2)).Select(h => (h[0], h[1]))],
                Body(parts[1], "the client sends\n").Replace("<BOM>", "\uFEFF", StringComparison.Ordinal),
                parts[2][(parts[2].IndexOf('\n', StringComparison.Ordinal) + 1)..].TrimEnd('\n'),
                parts[2].StartsWith("the pool is told", StringComparison.Ordinal));
        }

        private static string Body(string part, string title) => part.StartsWith(title, StringComparison.Ordinal) ? part[title.Length..].TrimEnd('\n') : throw new FormatException(part);
    }
}
