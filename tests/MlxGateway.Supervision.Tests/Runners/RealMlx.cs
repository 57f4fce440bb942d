using System.Diagnostics;
using System.Runtime.CompilerServices;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

/// <summary>The real engines and tiny models of this machine, if its environment names them.</summary>
public sealed class RealMlx : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mlxgateway-models-").FullName;
    private readonly Lock _lock = new();

    /// <summary>The variables that name a Python with <c>mlx_lm</c>, each another version.</summary>
    public static TheoryData<string> Pythons => ["MLXGATEWAY_TEST_MLX_PYTHON", "MLXGATEWAY_TEST_MLX_PYTHON_NEXT"];

#pragma warning disable CA2255 // It must come before the first test, whichever that is.
    [ModuleInitializer]
    internal static void TheProcessorsOwnCompilerIsSlow()
    {
        // For a spare, which has the variables of this process and no others. Set when it is needed, it would be there in the middle of a test that looks at the variables of two runners.
        Environment.SetEnvironmentVariable("MLX_DISABLE_COMPILE", "1");
    }
#pragma warning restore CA2255

    /// <summary>The value of a variable; skips the test where it is not set.</summary>
    public static string Need(string variable)
    {
        var value = Environment.GetEnvironmentVariable(variable);
        Assert.SkipWhen(string.IsNullOrEmpty(value), $"{variable} does not name a real engine on this machine.");
        return value!;
    }

    /// <summary>The folder of a model that is made of these arguments of the generator; the same arguments give the same folder.</summary>
    public string Model(string name, params string[] arguments)
    {
        var python = Pythons.Select(p => Environment.GetEnvironmentVariable(p.Data)).FirstOrDefault(p => p is { Length: > 0 }) ?? Need(Pythons.First().Data);
        var generator = Need("MLXGATEWAY_TEST_TINY_MODEL");
        var path = Path.Combine(_folder, name);
        lock (_lock)
        {
            if (!Path.Exists(path))
            {
                using var process = Process.Start(new ProcessStartInfo(python, [generator, path, .. arguments]) { RedirectStandardOutput = true })!;
                process.StandardOutput.ReadToEnd();
                process.WaitForExit();
                Assert.Equal(0, process.ExitCode);
            }
        }

        return path;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
