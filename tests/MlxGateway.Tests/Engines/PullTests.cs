using System.Globalization;
using System.Text;
using System.Text.Json;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>Models come from a stand-in of the Hub by the real <c>huggingface_hub</c>, and are served by the real engines.</summary>
public sealed class PullTests(HubGateway fixture) : IClassFixture<HubGateway>
{
    private Gateway Gateway => fixture.Gateway;

    [Fact]
    public async Task Pull_ModelInMlxForm_TellsInLinesHowItGoesAndIsThenServed()
    {
        using var answer = await OpenAsync("/api/pull", """{"model":"org/tiny"}""");
        Assert.Equal("application/x-ndjson", answer.Content.Headers.ContentType?.MediaType);

        var lines = (await answer.Content.ReadAsStringAsync(Demo.Patience())).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement).ToList();

        Assert.Contains(lines, l => l.Text("status") == "pulling" && l.GetProperty("total").GetInt64() > 100_000);
        var last = lines[^1];
        Assert.Equal(("success", "org/tiny", "org/tiny"), (last.Text("status"), last.Text("model"), last.Text("id")));
        Assert.Equal(last.GetProperty("total").GetInt64(), last.GetProperty("completed").GetInt64());
        Assert.Equal("Hello from the Hub .", (await Gateway.ChatAsync("org/tiny")).Content.Trim());
    }

    [Fact]
    public async Task Pull_GgufWithoutStream_AnswersAtTheEndAndSaysWhichWasChosen()
    {
        var answer = await Gateway.PostAsync("/api/pull", """{"model":"org/tiny-gguf","stream":false}""");

        Assert.Equal((200, "success"), (answer.Status, answer.Json.Text("status")));
        Assert.StartsWith("Q4_K_M of Q4_K_M, Q8_0", answer.Json.Text("choice"), StringComparison.Ordinal);
        Assert.Equal("Hello from llama .", (await Gateway.ChatAsync("org/tiny-gguf")).Content.Trim());
        Assert.Equal("Hello from llama .", (await Gateway.ChatAsync("org/tiny-gguf:Q4_K_M")).Content.Trim()); // as llama.cpp calls it
    }

    [Fact]
    public async Task Pull_AsOllamasOlderClientsSayIt_IsTheSame()
    {
        var answer = await Gateway.PostAsync("/api/pull", """{"name":"hf.co/org/tiny-gguf:Q4_K_M","insecure":false,"stream":false}""");

        Assert.Equal((200, "org/tiny-gguf:Q4_K_M"), (answer.Status, answer.Json.Text("model")));
    }

    [Theory]
    [InlineData("org/absent", 404, "hub_not_found")]
    [InlineData("org/tiny:Q4_K_M", 400, "hub_no_quantisation")]
    [InlineData("absent", 400, "invalid_request")]
    [InlineData("", 400, "invalid_request")]
    public async Task Pull_CannotBe_IsAnErrorWithItsStatusOrInTheLastLine(string model, int status, string code)
    {
        var whole = await Gateway.PostAsync("/api/pull", $$"""{"model":"{{model}}","stream":false}""");
        Assert.Equal((status, code), (whole.Status, whole.Code));

        var streamed = await Gateway.PostAsync("/api/pull", $$"""{"model":"{{model}}"}""");
        Assert.Equal(code, JsonDocument.Parse(streamed.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]).RootElement.GetProperty("error").Text("code"));
    }

    [Fact]
    public async Task Pull_ClientLeaves_GoesOnUntilSomebodyEndsIt()
    {
        using var line = Hold();
        using (var answer = await OpenAsync("/api/pull", """{"model":"org/left"}"""))
        {
            await UntilFileAsync("org/left");
        }

        Assert.Equal("pulling", (await fixture.PullOfAsync("org/left"))!.Value.Text("status"));
        using var delete = new HttpRequestMessage(HttpMethod.Delete, "/api/pull?model=org/left");
        Assert.Equal("""{"status":"cancelled","model":"org/left"}""", (await Gateway.SendAsync(delete)).Text);
        await Gateway.UntilAsync(async () => (await fixture.PullOfAsync("org/left"))!.Value.Text("status") == "cancelled");
        using var again = new HttpRequestMessage(HttpMethod.Delete, "/api/pull?model=org/left");
        Assert.Equal((404, "not_found"), await CodeAsync(again));
    }

    [Fact]
    public async Task Router_ItsClientsFetchAModel_AreToldAsByTheRouterItself()
    {
        using var line = Hold();
        using var events = await EventReader.OpenAsync(Gateway, "/models/sse");
        Assert.Equal("""{"success":true}""", (await Gateway.PostAsync("/models", """{"model":"org/watched"}""")).Text);

        var progress = await events.UntilAsync(e => e.Text("event") == "download_progress" && e.Text("model") == "org/watched");
        Assert.InRange(progress.GetProperty("data").GetProperty("org/watched").GetProperty("total").GetInt64(), 100_000, long.MaxValue);
        Assert.Equal("downloading", (await Gateway.GetAsync("/models")).Json.GetProperty("data").EnumerateArray().Single(m => m.Text("id") == "org/watched").GetProperty("status").Text("value"));
        Assert.Equal("""{"success":true}""", (await Gateway.PostAsync("/models/unload", """{"model":"org/watched"}""")).Text);
        await events.UntilAsync(e => e.Text("event") == "download_failed" && e.Text("model") == "org/watched");

        line.Dispose();
        await Gateway.PostAsync("/models", """{"model":"org/watched"}""");
        await events.UntilAsync(e => e.Text("event") == "download_finished" && e.Text("model") == "org/watched");
        Assert.Equal("model_already_exists", (await Gateway.PostAsync("/models", """{"model":"org/watched"}""")).Code);
    }

    [Fact]
    public async Task Chat_ModelIsNotHereAndMayBeFetched_StreamingClientSeesHowFarItIsAndGetsItsAnswer()
    {
        using var line = Hold();
        using var answer = await OpenAsync("/v1/chat/completions", Gateway.ChatBody("org/waited", "\"stream\":true"));
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(Demo.Patience()));
        string? seen;
        do
        {
            seen = await reader.ReadLineAsync(Demo.Patience());
            Assert.NotNull(seen);
        }
        while (!seen.StartsWith(": downloading org/waited ", StringComparison.Ordinal) || !seen.Contains(" % of ", StringComparison.Ordinal));

        line.Dispose();

        var rest = await reader.ReadToEndAsync(Demo.Patience());
        Assert.Contains(": loading org/waited", rest, StringComparison.Ordinal);
        Assert.Contains("Hub", rest, StringComparison.Ordinal);
        Assert.Contains("data: [DONE]", rest, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Chat_ModelIsConfiguredAndNotHere_IsFetchedForAClientThatDoesNotStream()
    {
        Assert.Equal("Hello from llama .", (await Gateway.ChatAsync("wanted")).Content.Trim());
    }

    [Fact]
    public async Task Chat_ModelMayNotBeFetched_IsToldBothCommandsAndNothingIsAskedOfTheHub()
    {
        var answer = await Gateway.ChatAsync("never");

        Assert.Equal((404, "model_files_missing"), (answer.Status, answer.Code));
        Assert.EndsWith("Fetch it with: hf download org/never or: MlxGateway pull org/never", answer.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(fixture.Hub.Requests, r => r.Path.Contains("org/never", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Chat_HubDoesNotHaveTheModel_SaysSo()
    {
        var answer = await Gateway.ChatAsync("org/nobody");

        Assert.Equal((404, "hub_not_found"), (answer.Status, answer.Code));
    }

    [Fact]
    public async Task Search_SaysWhatRunsHereAndWhy()
    {
        fixture.Hub.Listing = """
            [{"id":"org/small","downloads":9,"likes":2,"tags":["mlx"],"pipeline_tag":"text-generation","siblings":[{"rfilename":"config.json"},{"rfilename":"model.safetensors"}],"safetensors":{"parameters":{"BF16":1000000,"U32":2000000},"total":3000000}},
             {"id":"org/vast","downloads":8,"likes":1,"tags":["mlx"],"siblings":[{"rfilename":"config.json"},{"rfilename":"model.safetensors"}],"safetensors":{"parameters":{"BF16":9000000000000},"total":1}},
             {"id":"org/torch","downloads":7,"likes":1,"siblings":[{"rfilename":"pytorch_model.bin"}]},
             {"id":"org/gguf","downloads":6,"likes":1,"pipeline_tag":"text-generation","siblings":[{"rfilename":"a-Q8_0.gguf"},{"rfilename":"a-Q4_K_M.gguf"}],"gguf":{"total":1000000000,"context_length":4096}},
             {"id":"org/embeds","downloads":6,"likes":1,"tags":["mlx"],"pipeline_tag":"feature-extraction","siblings":[{"rfilename":"config.json"},{"rfilename":"model.safetensors"}],"safetensors":{"parameters":{"BF16":1000000},"total":1}},
             {"id":"org/unsaid","downloads":5,"likes":1,"siblings":[{"rfilename":"a-Q8_0.gguf"}]},
             {"id":"org/mirrored","downloads":5,"likes":1,"tags":["mlx"],"siblings":[{"rfilename":"config.json","size":3},{"rfilename":"model-1.safetensors","size":10000},{"rfilename":"model-2.safetensors","size":20000}]},
             {"id":"org/sized","downloads":5,"likes":1,"siblings":[{"rfilename":"a-Q8_0.gguf","size":900},{"rfilename":"a-Q4_K_M-00001-of-00002.gguf","size":200},{"rfilename":"a-Q4_K_M-00002-of-00002.gguf","size":300}]},
             {"id":"org/mlc","downloads":4,"likes":1,"siblings":[{"rfilename":"mlc-chat-config.json"},{"rfilename":"tensor-cache.json"},{"rfilename":"params_shard_0.bin"}]}]
            """;

        var found = (await Gateway.GetAsync("/api/hub/search?q=small%20ones&limit=5")).Json.GetProperty("models").EnumerateArray().ToList();

        Assert.Equal(["org/small True 10000000", "org/vast False 18000000000000", "org/torch False ", "org/gguf True 611250000", "org/embeds False 2000000", "org/unsaid  ", "org/mirrored True 30000", "org/sized True 500", "org/mlc False "], found.Select(m => string.Create(CultureInfo.InvariantCulture, $"{m.Text("id")} {Flag(m.GetProperty("runs_here"))} {m.GetProperty("size_bytes")}")));
        Assert.Contains("as Q4_K_M", found[3].Text("why"), StringComparison.Ordinal);
        Assert.Equal("It needs mlx_vlm, which is not on this machine.", found[4].Text("why"));
        Assert.Equal("It needs mlc_llm, which is not on this machine.", found[8].Text("why"));
        Assert.Contains(fixture.Hub.Requests, r => r.Path.StartsWith("/api/models?search=small%20ones&sort=downloads&direction=-1&limit=5", StringComparison.Ordinal));

        fixture.Hub.ListingStatus = 500;
        Assert.Equal("hub_unreachable", (await Gateway.GetAsync("/api/hub/search?q=x")).Code);
        (fixture.Hub.ListingStatus, fixture.Hub.Listing) = (200, "<html>");
        Assert.Equal("hub_unreachable", (await Gateway.GetAsync("/api/hub/search?q=x")).Code);
        Assert.Equal("invalid_request", (await Gateway.GetAsync("/api/hub/search?q=")).Code);
        Assert.Equal("invalid_request", (await Gateway.GetAsync("/api/hub/search?q=x&limit=0")).Code);
    }

    private static string Flag(JsonElement value) => value.ValueKind == JsonValueKind.Null ? "" : value.GetBoolean().ToString();

    // Large files stand still after a part of them, until it is disposed.
    private Held Hold()
    {
        _ = Gateway; // which may skip the test
        var fault = new HubFault { After = 150_000, Holds = true };
        fixture.Hub.Fault = fault;
        return new Held(() =>
        {
            fixture.Hub.Fault = null;
            fault.Release();
        });
    }

    private async Task UntilFileAsync(string model) =>
        await Gateway.UntilAsync(async () => await fixture.PullOfAsync(model) is { } pull && pull.GetProperty("file") is { ValueKind: JsonValueKind.String } file && file.GetString() == "model.safetensors");

    private async Task<HttpResponseMessage> OpenAsync(string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        return await Gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Demo.Patience());
    }

    private async Task<(int, string?)> CodeAsync(HttpRequestMessage request)
    {
        var answer = await Gateway.SendAsync(request);
        return (answer.Status, answer.Code);
    }

    private sealed class Held(Action release) : IDisposable
    {
        public void Dispose() => release();
    }
}
