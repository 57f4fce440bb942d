using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>A gateway with room for one model at a time, over the real <c>llama-server</c>.</summary>
public sealed class LlamaGateway : IAsyncLifetime
{
    private readonly DirectoryInfo _models = Directory.CreateTempSubdirectory("mlxgateway-models-");
    private Gateway? _gateway;

    /// <summary>The gateway. Skips the test where the engine cannot be had.</summary>
    public Gateway Gateway
    {
        get
        {
            _ = TinyModels.LlamaServer;
            Assert.SkipUnless(TinyModels.CanServeGguf, "Needs the generator of tiny models: set MLXGATEWAY_TEST_TINY_MODEL to its path.");
            return _gateway!;
        }
    }

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        if (TinyModels.CanServeGguf)
        {
            await TinyModels.WriteAsync(PathOf("tiny-a"));
            await TinyModels.WriteAsync(PathOf("tiny-b"));
            await TinyModels.WriteAsync(PathOf("endless"), "--endless", "--context", "65536");
            await TinyModels.WriteAsync(PathOf("caller"), "--tool", "get_weather", """{"city": "Paris"}""");
            await File.WriteAllBytesAsync(PathOf("truncated"), (await File.ReadAllBytesAsync(PathOf("tiny-a")))[..700_000]);
            var unknown = await File.ReadAllBytesAsync(PathOf("tiny-a"));
            "llamb"u8.CopyTo(unknown.AsSpan(unknown.AsSpan().IndexOf("\u0005\0\0\0\0\0\0\0llama"u8) + 8)); // the length of the text, then the name of the design
            await File.WriteAllBytesAsync(PathOf("unknown"), unknown);
            _gateway = await StartAsync();
        }
    }

    /// <summary>Another gateway over the same models.</summary>
    public Task<Gateway> StartAsync(string rest = "\"Residency\":{\"Cooldown\":\"00:00:00.2\",\"SwapPatience\":\"00:00:02\"}") => Gateway.StartAsync(Models, Rest(rest));

    /// <summary>The gateway after another one: over the same models and the same state folder.</summary>
    public Task<Gateway> StartAfterAsync(Gateway first, string rest) => first.StartAnotherAsync(Models, Rest(rest));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
        }

        _models.Delete(recursive: true);
    }

    private string Models =>
        $$"""
        "tiny-a": {"Source":"{{PathOf("tiny-a")}}"},
        "tiny-b": {"Source":"{{PathOf("tiny-b")}}"},
        "endless": {"Source":"{{PathOf("endless")}}"},
        "caller": {"Source":"{{PathOf("caller")}}"},
        "vectors": {"Source":"{{PathOf("tiny-b")}}","Args":["--embeddings","--pooling","mean"]},
        "truncated": {"Source":"{{PathOf("truncated")}}"},
        "unknown": {"Source":"{{PathOf("unknown")}}"},
        "missing": {"Source":"{{PathOf("missing")}}"}
        """;

    private static string Rest(string rest) => $$"""
        "Engines":{"llama_server":{"Executable":"{{TinyModels.LlamaServer}}" },{{Gateway.NoPythons}}},{{rest}}
        """;

    private string PathOf(string model) => Path.Combine(_models.FullName, $"{model}.gguf");
}
