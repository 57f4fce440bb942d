using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace MlxGateway.DemoRunner;

/// <summary>The processes that a badly behaved runner leaves behind.</summary>
internal static class Relatives
{
    /// <summary>The only argument of the process in the middle, which makes a grandchild escape.</summary>
    public const string EscapeArgument = "--escape-and-exit";

    // Whoever fails to end them is not left with them for ever.
    private const string Lifetime = "600";

    /// <summary>Starts an ordinary child that sleeps for ten minutes.</summary>
    /// <returns>Its process id.</returns>
    public static int SpawnChild()
    {
        using var child = Process.Start(new ProcessStartInfo("sleep", [Lifetime]))!;
        return child.Id;
    }

    /// <summary>Starts a grandchild that has left session and process group, and whose parent is gone when this returns.</summary>
    /// <returns>Its process id.</returns>
    public static int SpawnEscaped()
    {
        // "dotnet X.dll" and the executable alike: the first argument that this process was itself started with names the program.
        string[] self = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet" ? [Environment.GetCommandLineArgs()[0], EscapeArgument] : [EscapeArgument];
        using var middle = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, self) { RedirectStandardOutput = true })!;
        var pid = int.Parse(middle.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
        middle.WaitForExit();
        return pid;
    }

    /// <summary>What the process in the middle does. macOS has no <c>setsid</c> program, so it calls the function and lets the child inherit the new session.</summary>
    public static int Escape()
    {
        if (SetSession() < 0)
        {
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        }

        // Its output is not that of the parent: a reader that waits for the end of the pipe must not wait for the one who escaped.
        var start = new ProcessStartInfo("sh", ["-c", $"exec sleep {Lifetime} >/dev/null 2>&1 </dev/null"]);
        using var grandchild = Process.Start(start)!;
        Console.Out.WriteLine(grandchild.Id.ToString(CultureInfo.InvariantCulture));
        return 0;
    }

    /// <summary>Ends this process as the kernel would: nothing is flushed, nobody is told.</summary>
    public static void Die()
    {
        using var self = Process.GetCurrentProcess();
        self.Kill();
    }

    [DllImport("libc", EntryPoint = "setsid", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetSession();
}
