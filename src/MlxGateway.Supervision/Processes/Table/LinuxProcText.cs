using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace MlxGateway.Supervision.Processes;

/// <summary>The formats of <c>/proc</c>, as pure text.</summary>
internal static class LinuxProcText
{
    private const int Listening = 0x0A;

    // USER_HZ: what the kernel tells programs in, 100 on every architecture that .NET runs on, whatever its own clock does.
    private const int TicksPerSecond = 100;

    /// <summary>Parses <c>/proc/PID/stat</c>. The name in it may hold spaces and brackets, so that everything counts from the last bracket.</summary>
    public static ProcessEntry? ParseStat(ReadOnlySpan<byte> text)
    {
        var name = text.IndexOf((byte)'(');
        var rest = text.LastIndexOf((byte)')');
        if (name < 1 || rest < name || !Utf8Parser.TryParse(text, out int pid, out _))
        {
            return null;
        }

        // Behind the name: state (field 3), parent, group, session, …, start time (field 22).
        var fields = FieldsOf(text[(rest + 1)..]);
        return fields.Length > 19
            && TryInt(fields[1], out var parent) && TryInt(fields[2], out var group) && TryInt(fields[3], out var session)
            && long.TryParse(fields[19], NumberStyles.None, CultureInfo.InvariantCulture, out var start)
            ? new ProcessEntry(new ProcessIdentity(pid, start), parent, group, session, fields[0] is "Z" or "X")
            : null;
    }

    /// <summary>The processor time in <c>/proc/PID/stat</c>: <c>utime</c> and <c>stime</c>, fields 14 and 15, of all its threads. To a hundredth of a second.</summary>
    public static TimeSpan? ParseProcessorTime(ReadOnlySpan<byte> text)
    {
        var fields = FieldsOf(text[(text.LastIndexOf((byte)')') + 1)..]);
        return fields.Length > 12
            && long.TryParse(fields[11], NumberStyles.None, CultureInfo.InvariantCulture, out var user)
            && long.TryParse(fields[12], NumberStyles.None, CultureInfo.InvariantCulture, out var system)
            ? TimeSpan.FromTicks((user + system) * (TimeSpan.TicksPerSecond / TicksPerSecond))
            : null;
    }

    /// <summary>Whether an environment block (entries that end with a zero byte) has exactly this variable.</summary>
    public static bool HasVariable(ReadOnlySpan<byte> block, string name, string value)
    {
        var wanted = Encoding.UTF8.GetBytes($"{name}={value}");
        while (!block.IsEmpty)
        {
            var end = block.IndexOf((byte)0);
            if ((end < 0 ? block : block[..end]).SequenceEqual(wanted))
            {
                return true;
            }

            block = end < 0 ? [] : block[(end + 1)..];
        }

        return false;
    }

    /// <summary>The inodes of the sockets that listen on a port at an address that loopback reaches, from the lines of <c>/proc/net/tcp</c> or <c>tcp6</c>, which come first in them.</summary>
    public static IEnumerable<long> ListeningInodes(IEnumerable<string> lines, int port)
    {
        foreach (var line in lines.Skip(1))
        {
            // sl, local address:port, remote, state, queues, timer, retransmits, uid, timeout, inode
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 9
                && fields[1].Split(':') is [var address, var portText]
                && int.TryParse(portText, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var localPort) && localPort == port
                && int.TryParse(fields[3], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var state) && state == Listening
                && IsReachedByLoopback(address)
                && long.TryParse(fields[9], NumberStyles.None, CultureInfo.InvariantCulture, out var inode))
            {
                yield return inode;
            }
        }
    }

    /// <summary>Any address, 127.0.0.0/8 or ::1, each 32-bit word as this machine stores it.</summary>
    private static bool IsReachedByLoopback(string address)
    {
        var bytes = Convert.FromHexString(address);
        for (var word = 0; BitConverter.IsLittleEndian && word < bytes.Length; word += 4)
        {
            bytes.AsSpan(word, 4).Reverse();
        }

        var ip = new System.Net.IPAddress(bytes);
        return ip.Equals(System.Net.IPAddress.Any) || ip.Equals(System.Net.IPAddress.IPv6Any) || System.Net.IPAddress.IsLoopback(ip);
    }

    private static string[] FieldsOf(ReadOnlySpan<byte> text) => Encoding.ASCII.GetString(text).Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static bool TryInt(string text, out int value) => int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
}
