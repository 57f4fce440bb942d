using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>Gateways over the real MLX engines, one for each Python that is asked for. They have room for all models, for these take long to start.</summary>
public sealed class MlxGateways : IAsyncLifetime
{
    private readonly DirectoryInfo _models = Directory.CreateTempSubdirectory("mlxgateway-models-");
    private readonly Dictionary<string, Gateway> _gateways = [];
    private readonly List<string> _entries = [];

    /// <summary>The variables that name a Python with MLX engines, each another version of <c>mlx_lm</c>; the first has <c>mlx_vlm</c> too.</summary>
    public static TheoryData<string> Pythons => ["MLXGATEWAY_TEST_MLX_PYTHON", "MLXGATEWAY_TEST_MLX_PYTHON_NEXT"];

    /// <summary>Stands in for the hub: counts who calls.</summary>
    internal CountingListener Hub { get; } = new();

    private string Variables => $$"""{"MLX_DISABLE_COMPILE":"1","HF_ENDPOINT":"{{Hub.Address}}"}""";

    /// <summary>The gateway over this Python. Skips the test where it cannot be had.</summary>
    public async Task<Gateway> OverAsync(string variable)
    {
        if (!_gateways.TryGetValue(variable, out var gateway))
        {
            gateway = await StartAsync(variable, "\"Residency\":{\"MaxResident\":0,\"Cooldown\":\"00:00:00.2\"}");
            _gateways[variable] = gateway;
        }

        return gateway;
    }

    /// <summary>Another gateway over the same models, with room for one at a time and little patience.</summary>
    public Task<Gateway> StartNarrowAsync(string variable) => StartAsync(variable, "\"Residency\":{\"SwapPatience\":\"00:00:00.1\",\"DrainTimeout\":\"00:00:00.5\"}");

    /// <inheritdoc/>
    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var gateway in _gateways.Values)
        {
            await gateway.DisposeAsync();
        }

        Hub.Dispose();
        _models.Delete(recursive: true);
    }

    private async Task<Gateway> StartAsync(string variable, string rest)
    {
        var python = TinyModels.MlxPython(variable);
        await WriteModelsAsync();
        var llama = TinyModels.CanServeGguf ? $$""","llama_server":{"Executable":"{{TinyModels.LlamaServer}}"}""" : "";
        return await Gateway.StartAsync(string.Join(',', _entries), $$"""
            "Engines":{"mlx_lm":{"Python":"{{python}}"},"mlx_vlm":{"Python":"{{python}}"},"mlc_llm":{"Python":"/nowhere/python3"}{{llama}}},{{rest}}
            """);
    }

    private async Task WriteModelsAsync()
    {
        if (_entries.Count > 0)
        {
            return;
        }

        await AddAsync("tiny-a");
        await AddAsync("endless", "--endless", "--context", "65536");
        await AddAsync("caller", "--tool", "get_weather", """{"city": "Paris"}""");
        await AddAsync("unread", "--tool", "get_weather", """{"city": "Paris"}""");
        var tokenizer = Path.Combine(PathOf("unread"), "tokenizer_config.json");
        await File.WriteAllTextAsync(tokenizer, (await File.ReadAllTextAsync(tokenizer)).Replace("tool_call.", "a_call.", StringComparison.Ordinal).Replace("set tool_call", "set a_call", StringComparison.Ordinal));
        await AddAsync("coder", "--say", "```tool_code get_weather(city='Paris') ```");
        await AddAsync("thinker", "--think", "let me see", "--say", "Done .");
        await AddAsync("truncated", "--shards", "3");
        var shard = Directory.GetFiles(PathOf("truncated"), "*-00003-of-00003.safetensors").Single();
        await File.WriteAllBytesAsync(shard, (await File.ReadAllBytesAsync(shard))[..^5000]);
        await AddAsync("unlike");
        var config = Path.Combine(PathOf("unlike"), "config.json");
        await File.WriteAllTextAsync(config, Regex.Replace(await File.ReadAllTextAsync(config), "(\"num_hidden_layers\": *)([0-9]+)", "${1}9"));
        Add("missing");
        _entries.Add($$"""
            "eyes/estranged": {"Source":"{{PathOf("tiny-a")}}","Runner":"mlx_vlm","UpstreamModel":"nobody/nothing","Env":{{Variables}} }
            """);
        if (TinyModels.CanServeGguf)
        {
            await TinyModels.WriteAsync(PathOf("llama.gguf"), "--say", "Hello from llama .");
            _entries.Add($$"""
                "llama": {"Source":"{{PathOf("llama.gguf")}}"}
                """);
        }
    }

    private async Task AddAsync(string name, params string[] args)
    {
        await TinyModels.WriteAsync(PathOf(name), args);
        Add(name);
    }

    // Each model twice: for mlx_lm under its name, for mlx_vlm with "eyes/" before it.
    private void Add(string name)
    {
        foreach (var (prefix, runner) in (ReadOnlySpan<(string, string)>)[("", "mlx_lm"), ("eyes/", "mlx_vlm")])
        {
            _entries.Add($$"""
                "{{prefix}}{{name}}": {"Source":"{{PathOf(name)}}","Runner":"{{runner}}","ToolFormat":"{{(name == "coder" ? "gemma" : "auto")}}","Env":{{Variables}} }
                """);
        }
    }

    private string PathOf(string model) => Path.Combine(_models.FullName, model);
}

/// <summary>Counts the connections that anybody opens to it.</summary>
internal sealed class CountingListener : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private int _connections;

    public CountingListener()
    {
        _listener.Start();
        _ = CountAsync();
    }

    /// <summary>Where it listens.</summary>
    public string Address => $"http://{_listener.LocalEndpoint}";

    /// <summary>How many have called.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();

    private async Task CountAsync()
    {
        try
        {
            while (true)
            {
                using var caller = await _listener.AcceptTcpClientAsync();
                Interlocked.Increment(ref _connections);
            }
        }
        catch (Exception over) when (over is SocketException or ObjectDisposedException)
        {
        }
    }
}
