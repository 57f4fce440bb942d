using System.Diagnostics;
using MlxGateway.Tests.DemoRunner;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>The real engines of this machine, and tiny models for them that say a known sentence. Where they cannot be had, the tests are skipped and say so.</summary>
public static class TinyModels
{
    /// <summary>The real <c>llama-server</c>; skips the test where it is not named.</summary>
    public static string LlamaServer => Named("MLXGATEWAY_TEST_LLAMA_SERVER", "the real llama-server");

    /// <summary>The Python with the MLX engines that a variable names; skips the test where it is not named.</summary>
    public static string MlxPython(string variable)
    {
        _ = Generator;
        return Named(variable, "a Python with mlx_lm and mlx_vlm");
    }

    private static string Generator => Named("MLXGATEWAY_TEST_TINY_MODEL", "the generator of tiny models");

    /// <summary>Whether the engine and the generator are there.</summary>
    public static bool CanServeGguf => Is("MLXGATEWAY_TEST_LLAMA_SERVER") && Is("MLXGATEWAY_TEST_TINY_MODEL");

    /// <summary>Whether <c>mlx_lm</c> and the generator are there.</summary>
    public static bool CanServeMlx => Is("MLXGATEWAY_TEST_MLX_PYTHON") && Is("MLXGATEWAY_TEST_TINY_MODEL");

    /// <summary>Writes a model.</summary>
    /// <param name="path">A <c>.gguf</c> file or a folder.</param>
    /// <param name="args">What it says, and how.</param>
    public static Task WriteAsync(string path, params string[] args) => RunAsync([Generator, path, .. args]);

    /// <summary>Writes a model that makes vectors or ranks, or a file that goes with a model.</summary>
    /// <param name="what">What <c>tiny_parts.py</c> calls it.</param>
    /// <param name="path">A <c>.gguf</c> file.</param>
    /// <param name="args">How.</param>
    public static Task WritePartAsync(string what, string path, params string[] args) => RunAsync([Path.Combine(AppContext.BaseDirectory, "tiny_parts.py"), what, path, .. args]);

    private static async Task RunAsync(string[] arguments)
    {
        using var python = Process.Start(new ProcessStartInfo("python3", arguments) { RedirectStandardOutput = true })!;
        await python.WaitForExitAsync(Demo.Patience());
        Assert.Equal(0, python.ExitCode);
    }

    private static bool Is(string variable) => File.Exists(Environment.GetEnvironmentVariable(variable));

    private static string Named(string variable, string what)
    {
        Assert.SkipUnless(Is(variable), $"Needs {what}: set {variable} to its path.");
        return Environment.GetEnvironmentVariable(variable)!;
    }
}
