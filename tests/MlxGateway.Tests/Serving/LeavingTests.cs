using System.Net.Sockets;
using System.Text.Json;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>Whoever leaves, is called off or stops reading frees its place, wherever its request is.</summary>
public sealed class LeavingTests
{
    private const string Models = "\"one\":{\"Runner\":\"demo\",\"Memory\":\"100MB\",\"MaxConcurrency\":1},\"slow\":{\"Runner\":\"demo\",\"Memory\":\"100MB\",\"Args\":[\"--load-time\",\"600\"]}";
    private const string Quick = "\"Residency\":{\"MaxResident\":0},\"Memory\":{\"Reserve\":\"0GB\"},\"Streams\":{\"HoldStatus\":\"00:00:00.1\",\"KeepAlive\":\"00:00:00.1\",\"WriteTimeout\":\"00:00:01\"}";
    private const string Endless = "\"demo\":{\"endless\":true,\"token_delay\":0.01}";

    [Fact]
    public async Task Cancel_WhereverTheRequestIs_EndsItAndTellsItsClient()
    {
        await using var gateway = await Gateway.StartAsync(Models, Quick);
        await gateway.ChatAsync("one");
        using var running = await gateway.OpenChatAsync("one", "\"stream\":true," + Endless);
        await running.ReadUntilAsync("data: ");
        var queued = Send(gateway, "one", "queued");
        await StateAsync(gateway, "queued", "queued");
        using var queuedStream = await gateway.OpenChatAsync("one", "\"stream\":true");
        var heard = await queuedStream.ReadUntilAsync("\n\n"); // the end of the first comment
        var loading = Send(gateway, "slow", "loading");
        await StateAsync(gateway, "loading", "queued");
        var ids = (await ListAsync(gateway)).ToDictionary(static r => (r.GetProperty("model").GetString()!, r.GetProperty("state").GetString()!, r.GetProperty("stream").GetBoolean()), static r => r.GetProperty("id").GetString()!);
        Assert.Equal(4, ids.Count);
        Assert.Contains(": waiting for one, 1 before you", heard, StringComparison.Ordinal);

        // The running one last: its place would go to the next, which would be over before it is called off.
        foreach (var (_, id) in ids.OrderBy(static r => r.Key.Item2 == "running"))
        {
            Assert.Equal(200, (await gateway.PostAsync($"/api/requests/{id}/cancel", "")).Status);
        }

        Assert.Equal((499, "request_cancelled"), ((await queued).Status, (await queued).Code));
        Assert.Equal((499, "request_cancelled"), ((await loading).Status, (await loading).Code));
        foreach (var stream in (RawConnection[])[running, queuedStream])
        {
            var (text, _) = await stream.ReadToEndAsync();
            Assert.Contains("data: {\"error\":{\"message\":\"The request was cancelled.\"", text, StringComparison.Ordinal);
            Assert.False(text.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal));
        }

        await gateway.UntilRunningAsync(all => all.All(static m => m is { Leases: 0, Waiting: 0 }));
        await Gateway.UntilAsync(async () => (await ListAsync(gateway)).Count == 0);
        Assert.Equal(200, (await gateway.ChatAsync("one")).Status);
    }

    // Many programs leave the loop over a stream and keep the response: its connection stays open, and nobody reads.
    [Fact]
    public async Task Client_KeepsItsConnectionAndReadsNothing_CountsAsGoneAndTheGenerationEnds()
    {
        await using var gateway = await Gateway.StartAsync(Models, Quick);
        await gateway.ChatAsync("one");
        var running = Assert.Single(await gateway.RunningAsync()); // looked at beforehand: it may be given up before anybody looks again
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await socket.ConnectAsync(gateway.Address.Host, gateway.Address.Port, Demo.Patience());
        using var connection = new RawConnection(socket);
        await connection.SendAsync("/v1/chat/completions", Gateway.ChatBody("one", "\"stream\":true,\"demo\":{\"endless\":true,\"token_delay\":0}"));
        await connection.ReadUntilAsync("data: ");

        await gateway.UntilRunningAsync(all => all.Any(static m => m is { Model: "one", Leases: 0 }));

        Assert.Equal(200, (await gateway.ChatAsync("one")).Status); // the only place is free
        using var runner = new HttpClient();
        await Gateway.UntilAsync(async () =>
        {
            using var counts = JsonDocument.Parse(await runner.GetStringAsync(new Uri($"http://127.0.0.1:{running.Port}/demo/requests"), Demo.Patience()));
            return counts.RootElement.GetProperty("aborted").GetInt32() == 1; // it sees the end of its connection a moment later
        });
        await Gateway.UntilAsync(async () => (await ListAsync(gateway)).Count == 0);
    }

    private static Task<Answer> Send(Gateway gateway, string model, string id) => gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody(model), ("x-request-id", id));

    private static Task StateAsync(Gateway gateway, string id, string state) =>
        Gateway.UntilAsync(async () => (await ListAsync(gateway)).Any(r => r.GetProperty("id").GetString() == id && r.GetProperty("state").GetString() == state));

    private static async Task<IReadOnlyList<JsonElement>> ListAsync(Gateway gateway) => [.. (await gateway.GetAsync("/api/requests")).Json.GetProperty("requests").EnumerateArray()];
}
