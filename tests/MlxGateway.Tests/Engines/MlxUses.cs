using System.Diagnostics;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>A gateway over the real <c>mlx_vlm</c> that has found tiny models of all uses in a folder, and has room for one at a time.</summary>
public sealed class MlxUses : IAsyncLifetime
{
    private readonly DirectoryInfo _models = Directory.CreateTempSubdirectory("mlxgateway-uses-");
    private Gateway? _gateway;

    /// <summary>The folder of a model.</summary>
    public string PathOf(string model) => Path.Combine(_models.FullName, model);

    /// <summary>The gateway. Skips the test where the engine cannot be had.</summary>
    public async Task<Gateway> GatewayAsync()
    {
        var python = TinyModels.MlxPython("MLXGATEWAY_TEST_MLX_PYTHON");
        if (_gateway is null)
        {
            using var writing = Process.Start(new ProcessStartInfo(python, [Path.Combine(AppContext.BaseDirectory, "Engines", "tiny_uses.py"), _models.FullName]) { RedirectStandardOutput = true })!;
            await writing.WaitForExitAsync(Demo.Patience());
            Assert.Equal(0, writing.ExitCode);
            await TinyModels.WriteAsync(PathOf("talks"));
            _gateway = await Gateway.StartAsync(
                new Dictionary<string, string> { ["MLX_DISABLE_COMPILE"] = "1" }, // the processor's own compiler is slow
                $$"""
                "mine": {"Source":"{{PathOf("vectors")}}","Aliases":["text-embedding-3-small"] }
                """,
                $$"""
                "Discovery:Folders:0":"{{_models.FullName}}",
                "Engines":{"mlx_lm":{"Python":"{{python}}","Spare":false},"mlx_vlm":{"Python":"{{python}}"} },
                "Residency":{"SwapPatience":"00:00:00.1","DrainTimeout":"00:00:00.5","Cooldown":"00:00:00.2"}
                """);
        }

        return _gateway;
    }

    /// <inheritdoc/>
    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_gateway is not null)
        {
            await _gateway.DisposeAsync();
        }

        _models.Delete(recursive: true);
    }
}
