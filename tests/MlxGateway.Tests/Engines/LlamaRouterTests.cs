using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>One conversation held with llama.cpp's own router and with the gateway, which is to answer as it does.</summary>
public sealed class LlamaRouterTests : IDisposable
{
    private readonly DirectoryInfo _models = Directory.CreateTempSubdirectory("mlxgateway-router-");

    public void Dispose() => _models.Delete(recursive: true);

    [Fact]
    public async Task Conversation_WithTheRouterAndWithTheGateway_HasTheSameAnswers()
    {
        _ = TinyModels.LlamaServer;
        Assert.SkipUnless(TinyModels.CanServeGguf, "Needs the generator of tiny models: set MLXGATEWAY_TEST_TINY_MODEL to its path.");
        await TinyModels.WriteAsync(Path.Combine(_models.FullName, "tiny.gguf"));
        var router = await WithRouterAsync(ConverseAsync);
        await using var gateway = await Gateway.StartAsync(
            "",
            $$""" "Engines":{"llama_server":{"Executable":"{{TinyModels.LlamaServer}}"} } """,
            "--MlxGateway:Discovery:Folders:0",
            _models.FullName);

        var ours = await ConverseAsync(gateway.Client);

        Assert.Equal(router.Steps, ours.Steps);
        Assert.Subset(ours.Members, router.Members);
        Assert.Subset(ours.StatusMembers, router.StatusMembers);
        Assert.Subset(ours.Meta, router.Meta);
        Assert.Subset(ours.Props, router.Props);
    }

    private static async Task<Conversation> ConverseAsync(HttpClient client)
    {
        var steps = new List<string>();
        using var stream = await client.GetAsync(new Uri("/models/sse", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Demo.Patience());
        using var events = new StreamReader(await stream.Content.ReadAsStreamAsync(Demo.Patience()));
        steps.Add($"events {(int)stream.StatusCode} {stream.Content.Headers.ContentType?.MediaType}");
        steps.Add(await ListedAsync());
        var props = await client.GetFromJsonAsync("/props");
        steps.Add($"props {props.Text("role")} {props.GetProperty("models_autoload")} {props.GetProperty("default_generation_settings")}");
        await LookAsync();
        await SayAsync("POST", "/models/load", """{"model":"tiny"}""");
        await SayAsync("POST", "/models/load", """{"model":"tiny"}""");
        steps.Add(await UntilAsync("loaded"));
        steps.Add(await ListedAsync());
        await SayAsync("POST", "/models/load", """{"model":"tiny"}""");
        await SayAsync("POST", "/models/load", """{"model":"nobody"}""");
        await LookAsync();
        var loaded = (await client.GetFromJsonAsync("/models")).GetProperty("data")[0];
        await SayAsync("POST", "/models/unload", """{"model":"tiny"}""");
        steps.Add(await UntilAsync("unloaded"));
        steps.Add(await ListedAsync());
        await SayAsync("POST", "/models/unload", """{"model":"tiny"}""");
        await LookAsync();
        return new Conversation(steps, Names(loaded), Names(loaded.GetProperty("status")), Names(loaded.GetProperty("meta")), Names(props));

        // As its pages do, which want nothing loaded for it.
        async Task LookAsync()
        {
            foreach (var said in new[] { "false", "0", "no" })
            {
                using var answer = await client.GetAsync(new Uri($"/props?model=tiny&autoload={said}", UriKind.Relative), Demo.Patience());
                steps.Add($"look {(int)answer.StatusCode}");
            }

            await SayAsync("POST", "/v1/chat/completions?autoload=false", """{"model":"tiny","max_tokens":1,"messages":[{"role":"user","content":"Hi"}]}""");
        }

        async Task SayAsync(string method, string path, string body)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = new StringContent(body) };
            using var answer = await client.SendAsync(request, Demo.Patience());
            var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Demo.Patience())).RootElement;
            steps.Add($"{method} {path} {body}: {(int)answer.StatusCode} {(json.TryGetProperty("success", out var success) ? success : "error")}");
        }

        async Task<string> ListedAsync()
        {
            var list = await client.GetFromJsonAsync("/models");
            var only = list.GetProperty("data").EnumerateArray().Single(m => m.Text("id") == "tiny");
            return $"{list.Text("object")} {only.Text("id")} {only.Text("object")} {only.Text("source")} {only.GetProperty("can_remove")} {only.GetProperty("status").Text("value")} {only.GetProperty("architecture")}";
        }

        // What is told in between depends on how often somebody looks.
        async Task<string> UntilAsync(string status)
        {
            while (await events.ReadLineAsync(Demo.Patience()) is { } line)
            {
                if (line.StartsWith("data: ", StringComparison.Ordinal) && JsonDocument.Parse(line["data: ".Length..]).RootElement is var happened && happened.GetProperty("data").Text("status") == status)
                {
                    return $"{happened.Text("model")} {status} {(happened.GetProperty("data").TryGetProperty("exit_code", out var code) ? code : "-")}";
                }
            }

            return "the stream ended";
        }
    }

    private static HashSet<string> Names(JsonElement json) => [.. json.EnumerateObject().Select(static m => m.Name).Where(static name => name is not ("preset" or "vocab_type" or "ftype" or "ui" or "ui_settings" or "webui_settings"))]; // what only that engine knows, or has

    private async Task<Conversation> WithRouterAsync(Func<HttpClient, Task<Conversation>> converse)
    {
        var port = FreePort();
        using var router = Process.Start(new ProcessStartInfo(TinyModels.LlamaServer, ["--models-dir", _models.FullName, "--host", "127.0.0.1", "--port", port.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        router.BeginErrorReadLine();
        router.BeginOutputReadLine();
        try
        {
            using var client = new HttpClient { BaseAddress = new UriBuilder(Uri.UriSchemeHttp, "127.0.0.1", port).Uri };
            await Gateway.UntilAsync(async () =>
            {
                try
                {
                    using var health = await client.GetAsync(new Uri("/health", UriKind.Relative), Demo.Patience());
                    return health.IsSuccessStatusCode;
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            });
            return await converse(client);
        }
        finally
        {
            router.Kill(entireProcessTree: true);
            await router.WaitForExitAsync(Demo.Patience());
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed record Conversation(IReadOnlyList<string> Steps, HashSet<string> Members, HashSet<string> StatusMembers, HashSet<string> Meta, HashSet<string> Props);
}

/// <summary>Gets JSON.</summary>
internal static class JsonGetting
{
    public static async Task<JsonElement> GetFromJsonAsync(this HttpClient client, string path) =>
        JsonDocument.Parse(await client.GetStringAsync(new Uri(path, UriKind.Relative), Demo.Patience())).RootElement;
}
