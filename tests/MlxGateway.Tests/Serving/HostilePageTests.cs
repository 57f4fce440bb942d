using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>What a page in a real browser can do to a gateway on the same machine: a page of this machine everything, a foreign one nothing.</summary>
public sealed class HostilePageTests : IAsyncLifetime
{
    private Gateway _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _gateway = await Gateway.StartAsync("\"kept\":{\"Runner\":\"demo\",\"Memory\":\"100MB\"},\"absent\":{\"Runner\":\"demo\",\"Memory\":\"100MB\"}", "\"Residency\":{\"MaxResident\":0}");
        Assert.Equal(200, (await _gateway.ChatAsync("kept")).Status);
    }

    public ValueTask DisposeAsync() => _gateway.DisposeAsync();

    [Fact]
    public async Task Page_OfSomebodyElse_ReadsNothingLoadsNothingUnloadsNothingAndChatsWithNobody()
    {
        var seen = await VisitAsync("evil.example");

        // Without CORS a page may send a few kinds of request, but is told nothing; of the others not even that.
        Assert.All(seen.Where(s => s.Key.StartsWith("read", StringComparison.Ordinal)), s => Assert.StartsWith("blocked: TypeError", s.Value, StringComparison.Ordinal));
        Assert.All(seen.Where(s => s.Key.StartsWith("blind", StringComparison.Ordinal)), s => Assert.Equal("opaque", s.Value));
        Assert.Equal("error", seen["socket"]);
        Assert.Equal("error", seen["image"]);
        Assert.Equal("error", seen["script"]);
        Assert.Equal("error", seen["events"]);
        Assert.Equal("error", seen["llama-swap's events"]);
        Assert.StartsWith("blocked: TypeError", seen["rebound"], StringComparison.Ordinal);
        Assert.True(seen.Count >= 20, $"{seen.Count} attempts");

        Assert.Equal([("kept", "ready")], (await _gateway.RunningAsync()).Select(m => (m.Model, m.State)));
        await _gateway.UntilWrittenAsync("Completed 200");
        Assert.Single(_gateway.Output.Split('\n'), l => l.Contains("Completed 200", StringComparison.Ordinal)); // the one before the page came
    }

    // The same page, so that what it does not get as a foreign one is not for want of trying.
    [Fact]
    public async Task Page_OfThisMachine_ReadsLoadsUnloadsAndChats()
    {
        var seen = await VisitAsync("localhost");

        Assert.StartsWith("200 ", seen["read list"], StringComparison.Ordinal);
        Assert.StartsWith("200 ", seen["read running"], StringComparison.Ordinal);
        Assert.Equal("open", seen["llama-swap's events"]);
        Assert.StartsWith("200 ", seen["read chat"], StringComparison.Ordinal);
        Assert.StartsWith("200 ", seen["read unload"], StringComparison.Ordinal);
        Assert.DoesNotContain(await _gateway.RunningAsync(), m => m.Model == "kept");
    }

    private async Task<Dictionary<string, string>> VisitAsync(string host)
    {
        await using var site = await Site.StartAsync($$"""
            const gateway = "http://127.0.0.1:{{_gateway.Address.Port}}";
            const ask = model => JSON.stringify({ model, messages: [{ role: "user", content: "hi" }] });
            const read = async (path, init) => { const r = await fetch(gateway + path, init); return r.type === "opaque" ? r.type : r.status + " " + await r.text(); };
            const json = model => ({ method: "POST", headers: { "Content-Type": "application/json" }, body: ask(model) });
            const blind = body => ({ method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" }, body });
            const element = (tag, path) => new Promise(end => {
                const e = document.createElement(tag);
                e.onload = () => end("loaded"); e.onerror = () => end("error");
                e.src = gateway + path; document.body.append(e);
            });
            await attempt("read list", () => read("/v1/models"));
            await attempt("read running", () => read("/running"));
            await attempt("read models", () => read("/models"));
            await attempt("read explain", () => read("/api/explain"));
            await attempt("read metrics", () => read("/metrics"));
            await attempt("read logs", () => read("/api/logs"));
            await attempt("read config", () => read("/api/config"));
            await attempt("read chat", () => read("/v1/chat/completions", json("kept")));
            await attempt("read load", () => read("/models/load", json("absent")));
            await attempt("read cold chat", () => read("/v1/chat/completions", json("absent")));
            await attempt("blind chat", () => read("/v1/chat/completions", blind(ask("kept"))));
            await attempt("blind cold chat", () => read("/v1/chat/completions", blind(ask("absent"))));
            await attempt("blind load", () => read("/models/load", blind('{"model":"absent"}')));
            await attempt("blind unload", () => read("/api/models/unload", blind("")));
            await attempt("blind unload of llama.cpp", () => read("/models/unload", blind('{"model":"kept"}')));
            await attempt("blind form", () => read("/v1/audio/transcriptions", { method: "POST", mode: "no-cors", body: (() => { const f = new FormData(); f.append("model", "absent"); f.append("file", new Blob(["x"])); return f; })() }));
            await attempt("blind get", () => read("/upstream/absent/v1/models", { mode: "no-cors" }));
            await attempt("blind get of unload", () => read("/unload", { mode: "no-cors" }));
            await attempt("image", () => element("img", "/upstream/absent/v1/models"));
            await attempt("script", () => element("script", "/props?model=absent"));
            await attempt("socket", () => new Promise(end => { const s = new WebSocket(gateway.replace("http", "ws") + "/v1/realtime?model=absent"); s.onopen = () => { s.close(); end("open"); }; s.onerror = () => end("error"); }));
            await attempt("events", () => new Promise(end => { const s = new EventSource(gateway + "/models/sse"); s.onopen = () => { s.close(); end("open"); }; s.onerror = () => end("error"); }));
            await attempt("llama-swap's events", () => new Promise(end => { const s = new EventSource(gateway + "/api/events"); s.onopen = () => { s.close(); end("open"); }; s.onerror = () => end("error"); }));
            await attempt("rebound", async () => { const r = await fetch("http://rebound.example:{{_gateway.Address.Port}}/v1/models"); return r.status + await r.text(); });
            await attempt("frame", () => new Promise(end => {
                // Of a form there is nothing to be read, only that its answer came.
                const frame = document.createElement("iframe"); frame.name = "frame"; document.body.append(frame);
                const form = document.createElement("form"); form.method = "post"; form.target = "frame"; form.action = gateway + "/api/models/unload/absent"; document.body.append(form);
                frame.onload = () => end("answered"); form.submit();
            }));
            await attempt("read unload", () => read("/api/models/unload/kept", { method: "POST" }));
            await done();
            """);
        await using var browser = Browser.Open(new Uri($"http://{host}:{site.Port}/"));
        return await site.Report.WaitAsync(Demo.Patience());
    }
}
