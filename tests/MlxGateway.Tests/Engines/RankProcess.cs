using System.Globalization;
using MlxGateway.Tests.Support;

namespace MlxGateway.Tests.Engines;

/// <summary>Looks at the processes of a launch from outside.</summary>
internal static class RankProcess
{
    /// <summary>The living processes of a session, in order of their numbers.</summary>
    public static int[] InSession(int session) => [.. Living().Where(pid => SessionOf(pid) == session).Order()];

    /// <summary>Its arguments, one after another; empty if it is gone.</summary>
    public static string CommandLine(int pid) => Read(pid, "cmdline").Replace('\0', ' ');

    private static IEnumerable<int> Living() =>
        Directory.EnumerateDirectories("/proc").Select(static path => int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out var pid) ? pid : 0).Where(static pid => pid > 0 && Gateway.IsAlive(pid));

    private static int SessionOf(int pid)
    {
        var stat = Read(pid, "stat");
        return stat.Length == 0 ? 0 : int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[3], CultureInfo.InvariantCulture);
    }

    private static string Read(int pid, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/{file}");
        }
        catch (IOException)
        {
            return ""; // gone meanwhile
        }
    }
}
