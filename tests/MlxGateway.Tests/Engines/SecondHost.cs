using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>
/// A second host on this machine: a network of its own, joined by a cable, and a program called <c>ssh</c> that runs commands there as the real one would, with an environment, a session and a terminal of
/// their own, and a hangup when it goes.
/// </summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal sealed class SecondHost : IDisposable
{
    private const string Ssh = """
        #!/usr/bin/env python3
        import os, pty, sys, termios
        words, terminal = sys.argv[1:], False
        while words and words[0].startswith("-"):
            terminal |= words[0] == "-tt"
            words = words[2 if words[0] == "-o" else 1:]
        command = ["ip", "netns", "exec", words[0], "/bin/bash", "-c", " ".join(words[1:])]
        environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/tmp"}
        if not terminal:
            os.execvpe("ip", command, environment)
        child, screen = pty.fork()
        if child == 0:
            os.execvpe("ip", command, environment)
        settings = termios.tcgetattr(screen)
        settings[1] &= ~termios.OPOST
        termios.tcsetattr(screen, termios.TCSANOW, settings)
        try:
            while said := os.read(screen, 8192):
                os.write(1, said)
        except OSError:
            pass
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        sys.exit(status if status >= 0 else 128 - status)
        """;

    private readonly string _programs;
    private readonly byte _network = (byte)(Environment.ProcessId % 250);

    private SecondHost(string programs)
    {
        _programs = programs;
        Name = string.Create(CultureInfo.InvariantCulture, $"mlxgw{Environment.ProcessId}");
    }

    /// <summary>What ssh calls it.</summary>
    public string Name { get; }

    /// <summary>A search path on which its ssh comes first.</summary>
    public string SearchPath => $"{_programs}:{Environment.GetEnvironmentVariable("PATH")}";

    /// <summary>Makes it. Skips the test where that may not be done.</summary>
    /// <param name="folder">Where its ssh is put.</param>
    public static SecondHost Make(DirectoryInfo folder)
    {
        var host = new SecondHost(folder.CreateSubdirectory("programs").FullName);
        var ssh = Path.Combine(host._programs, "ssh");
        Scripts.Write(ssh, Ssh);
        string[] steps =
        [
            $"netns add {host.Name}", $"link add {host.Name}a type veth peer name {host.Name}b netns {host.Name}",
            $"addr add {host.Address(1)}/24 dev {host.Name}a", $"link set {host.Name}a up",
            $"-n {host.Name} addr add {host.Address(2)}/24 dev {host.Name}b", $"-n {host.Name} link set {host.Name}b up", $"-n {host.Name} link set lo up",
        ];
        foreach (var step in steps)
        {
            if (Run(step).ExitCode != 0)
            {
                host.Dispose();
                Assert.Skip($"Needs a network namespace, and \"ip {step}\" was refused: only root may make one, where the system has them.");
            }
        }

        return host;
    }

    /// <summary>A file of hosts: this one, under a name that is only its own, and the second.</summary>
    /// <param name="swapped">Whether the second one comes first.</param>
    public string Hostfile(bool swapped)
    {
        object[] hosts = [new { ssh = "this-one.example", ips = (string[])[Address(1)] }, new { ssh = Name, ips = (string[])[Address(2)] }];
        return JsonSerializer.Serialize(new { backend = "ring", hosts = swapped ? hosts.Reverse() : hosts });
    }

    /// <summary>The ranks that run there.</summary>
    public int[] Ranks() =>
        [.. Run($"netns pids {Name}").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(pid => int.Parse(pid, CultureInfo.InvariantCulture)).Where(pid => RankProcess.CommandLine(pid).Contains("--gateway-ranks 2", StringComparison.Ordinal) && RankProcess.CommandLine(pid).Contains(" -c import ", StringComparison.Ordinal))];

    public void Dispose()
    {
        foreach (var pid in Run($"netns pids {Name}").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            EngineProcess.Signal("KILL", int.Parse(pid, CultureInfo.InvariantCulture));
        }

        _ = Run($"netns del {Name}");
        _ = Run($"link del {Name}a");
    }

    private string Address(int host) => string.Create(CultureInfo.InvariantCulture, $"10.213.{_network}.{host}");

    private static (int ExitCode, string Output) Run(string arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return (process.ExitCode, output);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return (-1, ""); // there is no such program
        }
    }
}
