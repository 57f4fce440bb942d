using System.Runtime.CompilerServices;
using Xunit;

namespace MlxGateway.Supervision.Tests;

/// <summary>Texts that were looked at by a person once, in a folder beside the test. <c>MLXGATEWAY_TESTS_GOLDEN=write</c> writes them anew, to be looked at again.</summary>
internal static class Golden
{
    /// <summary>Compares.</summary>
    public static void Equal(string name, string text, [CallerFilePath] string here = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(here)!, "Golden", name + ".txt");
        if (Environment.GetEnvironmentVariable("MLXGATEWAY_TESTS_GOLDEN") == "write")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, text);
        }

        Assert.Equal(File.ReadAllText(path), text);
    }
}
