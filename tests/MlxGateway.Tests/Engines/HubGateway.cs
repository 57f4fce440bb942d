using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>A gateway over the real engines whose Hub is a stand-in with tiny models, and whose cache is empty at first.</summary>
public sealed class HubGateway : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlxgateway-hub-");
    private Gateway? _gateway;
    private StandInHub? _hub;

    /// <summary>The gateway. Skips the test where its engines cannot be had.</summary>
    public Gateway Gateway
    {
        get
        {
            _ = (TinyModels.MlxPython("MLXGATEWAY_TEST_MLX_PYTHON"), TinyModels.LlamaServer);
            return _gateway!;
        }
    }

    /// <summary>The stand-in.</summary>
    public StandInHub Hub => _hub!;

    /// <summary>Where the gateway is to put models.</summary>
    public string Cache => Path.Combine(_folder.FullName, "cache");

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        if (!TinyModels.CanServeMlx || !TinyModels.CanServeGguf)
        {
            return;
        }

        _hub = await StandInHub.StartAsync();
        var (mlx, gguf) = (Path.Combine(_folder.FullName, "tiny"), Path.Combine(_folder.FullName, "tiny-Q4_K_M.gguf"));
        await TinyModels.WriteAsync(mlx, "--say", "Hello from the Hub .");
        await TinyModels.WriteAsync(gguf, "--say", "Hello from llama .");
        foreach (var name in new[] { "org/tiny", "org/left", "org/watched", "org/waited", "org/short", "org/never", "org/gone", "org/by-agent", "org/launched", "org/hopeless", "org/halfway" })
        {
            Hub.Add(name, StandInHub.FilesOf(mlx));
        }

        var large = new HubFile("tiny-Q4_K_M.gguf", await File.ReadAllBytesAsync(gguf)) { IsLarge = true };
        Hub.Add("org/tiny-gguf", large, large with { Name = "tiny-Q8_0.gguf", Bytes = [1, 2, 3], Size = 3 });
        Hub.Add("org/wanted-gguf", large);
        _gateway = await StartAsync();
    }

    /// <summary>Starts one more over the same cache and Hub: with a state of its own, or with that of one that has ended.</summary>
    public Task<Gateway> StartAsync(Gateway? before = null)
    {
        var variables = new Dictionary<string, string> { ["HF_HUB_CACHE"] = Cache, ["MLX_DISABLE_COMPILE"] = "1", ["HF_TOKEN"] = "", ["HF_HUB_OFFLINE"] = "" };
        var models = """
            "never": {"Source":"org/never","Runner":"mlx_lm","Download":false},
            "wanted": {"Source":"org/wanted-gguf","Runner":"llama_server"}
            """;
        var rest = $$"""
            "Engines":{"mlx_lm":{"Python":"{{TinyModels.MlxPython("MLXGATEWAY_TEST_MLX_PYTHON")}}","Spare":false},"mlx_vlm":{"Python":"/nowhere/python3"},"mlc_llm":{"Python":"/nowhere/python3"},"llama_server":{"Executable":"{{TinyModels.LlamaServer}}"} },
            "Downloads":{"Endpoint":"{{Hub.Address}}","RetryPause":"00:00:00.02","Attempts":3},
            "Residency":{"MaxResident":0},"Memory":{"Reserve":"0GB"},"Limits":{"NonStreamWait":"00:00:20"},"Streams":{"HoldStatus":"00:00:00.2","KeepAlive":"00:00:00.2"}
            """;
        string[] switches = ["--MlxGateway:Discovery:HuggingFaceCache", "true", "--MlxGateway:Discovery:Download", "true"];
        return before is null ? Gateway.StartAsync(variables, models, rest, switches) : before.StartAnotherAsync(variables, models, rest, switches);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
        }

        if (_hub is not null)
        {
            await _hub.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }

    /// <summary>The entry of a download in the list; null: there is none.</summary>
    public async Task<JsonElement?> PullOfAsync(string model) =>
        (await Gateway.GetAsync("/api/pull")).Json.GetProperty("pulls").EnumerateArray().Where(p => p.Text("model") == model).Cast<JsonElement?>().FirstOrDefault();
}
