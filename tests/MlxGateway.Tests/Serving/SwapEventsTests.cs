using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary><c>GET /api/events</c>, as pages and scripts made for llama-swap read it.</summary>
public sealed class SwapEventsTests
{
    private const string Prompt = "PROMPT-2204-numbat";
    private const string Answer = "ANSWER-8813-bilby";

    [Fact]
    public async Task Events_ModelComesServesAndGoes_AreToldAsLlamaSwapDoes()
    {
        await using var gateway = await Gateway.StartAsync(
            """
            "one":    {"Runner":"demo","Memory":"1MB","Aliases":["first"]},
            "absent": {"Source":"/nowhere/model.gguf"}
            """);
        using var events = await EventReader.OpenAsync(gateway, "/api/events");
        Assert.Equal("text/event-stream", events.Type);
        var reader = new Reader(events);

        // How everything stands, first.
        var models = await reader.UntilAsync("modelStatus", static _ => true);
        Assert.Equal(
            """[{"id":"absent","name":"","state":"stopped","unlisted":true,"aliases":[],"description":"","peerID":""},{"id":"one","name":"","state":"stopped","unlisted":false,"aliases":["first"],"description":"","peerID":""}]""",
            models.GetRawText());
        Assert.Equal("[]", (await reader.UntilAsync("metrics", static _ => true)).GetRawText());

        // Whoever looks sees a model come, what its runner writes, and what the request took.
        var chat = await gateway.PostAsync("/v1/chat/completions", $$"""{"model":"first","messages":[{"role":"user","content":"{{Prompt}}"}],"demo":{"say":"{{Answer}}"} }""");
        Assert.Equal(200, chat.Status);
        Assert.Contains(Answer, chat.Content, StringComparison.Ordinal);
        await reader.UntilAsync("modelStatus", static m => StateOf(m, "one") == "ready");
        await reader.UntilAsync("logData", static l => l.Text("source") == "upstream" && l.Text("data")!.StartsWith("listening on http://", StringComparison.Ordinal));
        var metric = (await reader.UntilAsync("metrics", static m => m.GetArrayLength() > 0)).EnumerateArray().Single();
        Assert.Equal(("one", "/v1/chat/completions", 200), (metric.Text("model"), metric.Text("req_path"), metric.GetProperty("resp_status_code").GetInt32()));
        var usage = chat.Json.GetProperty("usage");
        Assert.Equal(
            (usage.GetProperty("prompt_tokens").GetInt32(), usage.GetProperty("completion_tokens").GetInt32()),
            (metric.GetProperty("input_tokens").GetInt32(), metric.GetProperty("tokens").GetProperty("output_tokens").GetInt32()));
        await reader.UntilAsync("logData", l => l.Text("source") == "proxy" && l.Text("data")!.Contains($"{chat.Header("x-request-id")} /v1/chat/completions", StringComparison.Ordinal));

        reader.Forget();
        Assert.Equal(200, (await gateway.PostAsync("/api/models/unload/one", "")).Status);
        await reader.UntilAsync("modelStatus", static m => StateOf(m, "one") == "stopped");
        Assert.Equal(["stopped", "starting", "ready", "stopped"], reader.Statuses.Select(static m => StateOf(m, "one")).Where(static s => s != "stopping"));

        Assert.DoesNotContain(Prompt, reader.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(Answer, reader.Text, StringComparison.Ordinal);

        // Who comes later is told what there was.
        using var later = await EventReader.OpenAsync(gateway, "/api/events");
        var second = new Reader(later);
        Assert.Equal(metric.GetRawText(), (await second.UntilAsync("metrics", static _ => true)).EnumerateArray().Single().GetRawText());
        Assert.Contains(chat.Header("x-request-id")!, second.Text, StringComparison.Ordinal);
    }

    // The runner floods its log, and one reader takes nothing of it.
    [Fact]
    public async Task Events_OneReaderTakesNothing_NobodyWaitsForIt()
    {
        await using var gateway = await Gateway.StartAsync("\"one\":{\"Runner\":\"demo\",\"Memory\":\"1MB\",\"Args\":[\"--flood-stderr\"]}");
        using var stuck = await EventReader.OpenAsync(gateway, "/api/events");
        using var quick = await EventReader.OpenAsync(gateway, "/api/events");

        Assert.Equal(200, (await gateway.ChatAsync("one")).Status);

        await new Reader(quick).UntilAsync("modelStatus", static m => StateOf(m, "one") == "ready");
        Assert.Equal(200, (await gateway.ChatAsync("one")).Status);

        // And when it reads at last, it is told that it missed something.
        await new Reader(stuck).UntilAsync("logData", static l => l.Text("source") == "upstream" && l.Text("data")!.Contains(" lines were dropped, because they were not read fast enough]", StringComparison.Ordinal));
    }

    private static string? StateOf(JsonElement models, string id) => models.EnumerateArray().Single(m => m.Text("id") == id).Text("state");

    // Reads as a browser does: fields by line, an event at each empty one.
    private sealed class Reader(EventReader events)
    {
        private readonly List<string> _read = [];
        private readonly List<(string? Type, JsonElement Data)> _events = [];
        private int _known;

        public IEnumerable<JsonElement> Statuses => _events.Where(static e => e.Type == "modelStatus").Select(static e => e.Data);

        public string Text => string.Join('\n', _read);

        /// <summary>From now on only what has not been read yet counts.</summary>
        public void Forget() => _known = _events.Count;

        /// <summary>The first event that is as described, in whatever order they come: reads on until there is one.</summary>
        public async Task<JsonElement> UntilAsync(string type, Func<JsonElement, bool> looks)
        {
            if (_events.Skip(_known).FirstOrDefault(e => e.Type == type && looks(e.Data)) is { Type: not null } known)
            {
                return known.Data;
            }

            while (await events.LineAsync() is { } line)
            {
                _read.Add(line);
                if (!line.StartsWith("data:", StringComparison.Ordinal))
                {
                    Assert.True(line is "" or "event:message" or ": ", line);
                    continue;
                }

                var envelope = JsonDocument.Parse(line["data:".Length..]).RootElement;
                Assert.Equal(["type", "data"], envelope.EnumerateObject().Select(static m => m.Name));
                var data = JsonDocument.Parse(envelope.Text("data")!).RootElement;
                _events.Add((envelope.Text("type"), data));
                if (envelope.Text("type") == type && looks(data))
                {
                    return data;
                }
            }

            throw new EndOfStreamException("The stream ended before that came.");
        }
    }
}
