using System.Diagnostics;
using Xunit;

namespace MlxGateway.Tests.Support;

/// <summary>Scripts that are started as programs.</summary>
internal static class Scripts
{
    /// <summary>Writes one.</summary>
    /// <param name="path">Where; what is there is written over.</param>
    /// <param name="text">All of it, with its first line.</param>
    /// <param name="mode">Who may do what with it, as <c>chmod</c> is told. The search path may be a test's own.</param>
    /// <remarks>
    /// A file that anybody has open for writing cannot be started, and a child that another test starts in the same moment has a copy of all that is open here, until it becomes its own program. So a
    /// program of its own writes it, whose descriptors nobody gets a copy of.
    /// </remarks>
    public static void Write(string path, string text, string mode = "700")
    {
        using var writing = Process.Start("/bin/sh", ["-c", "printf %s \"$1\" > \"$0\" && /bin/chmod \"$2\" \"$0\"", path, text, mode]);
        writing.WaitForExit();
        Assert.Equal(0, writing.ExitCode);
    }
}
