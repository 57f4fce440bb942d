using System.Buffers.Binary;
using System.Text;

namespace MlxGateway.Supervision.Processes;

/// <summary>The structures of <c>sys/proc_info.h</c> and of the <c>KERN_PROCARGS2</c> block, as pure bytes. The layouts are part of the system's binary interface.</summary>
internal static class MacLayouts
{
    /// <summary>The size of <c>struct proc_bsdinfo</c>.</summary>
    public const int BsdInfoSize = 136;

    /// <summary>The size of <c>struct proc_fdinfo</c>: a descriptor and its type.</summary>
    public const int DescriptorSize = 8;

    /// <summary>The size of <c>struct socket_fdinfo</c>.</summary>
    public const int SocketSize = 792;

    /// <summary>The size of <c>struct rusage_info_v0</c> (sys/resource.h): a UUID of 16 bytes and ten numbers of 8.</summary>
    public const int ResourceUsageSize = 96;

    private const int Zombie = 5;
    private const int SocketDescriptor = 2;
    private const int TcpSocket = 2;
    private const int ListenState = 1;
    private const byte IsIPv4 = 1;

    // socket_fdinfo: 24 bytes of proc_fileinfo; 240 of socket_info before its union, soi_kind 8 before that; then in_sockinfo (80) and the TCP state.
    private const int Kind = 24 + 232;
    private const int Tcp = 24 + 240;
    private const int LocalPort = Tcp + 4;
    private const int VersionFlag = Tcp + 24;
    private const int LocalAddress = Tcp + 48;
    private const int TcpState = Tcp + 80;

    /// <summary>Parses a <c>proc_bsdinfo</c>; the session is not in it.</summary>
    public static ProcessEntry ParseBsdInfo(ReadOnlySpan<byte> info, int session)
    {
        var seconds = BinaryPrimitives.ReadInt64LittleEndian(info[120..]);
        var microseconds = BinaryPrimitives.ReadInt64LittleEndian(info[128..]);
        return new ProcessEntry(
            new ProcessIdentity(Int(info, 12), (seconds * 1_000_000) + microseconds), Parent: Int(info, 16), Group: Int(info, 100), session, IsZombie: Int(info, 4) == Zombie);
    }

    /// <summary>The processor time in a <c>rusage_info_v0</c>: <c>ri_user_time</c> and <c>ri_system_time</c>, its first two numbers.</summary>
    /// <param name="usage">The structure.</param>
    /// <param name="numerator">With <paramref name="denominator"/>, nanoseconds in a unit of the system's clock, as <c>mach_timebase_info</c> says it: 1/1 on Intel, 125/3 on Apple's own processors.</param>
    /// <param name="denominator">Not zero.</param>
    public static TimeSpan ParseProcessorTime(ReadOnlySpan<byte> usage, uint numerator, uint denominator)
    {
        var units = (UInt128)BinaryPrimitives.ReadUInt64LittleEndian(usage[16..]) + BinaryPrimitives.ReadUInt64LittleEndian(usage[24..]);
        return TimeSpan.FromTicks((long)(units * numerator / denominator / TimeSpan.NanosecondsPerTick));
    }

    /// <summary>The descriptors in an array of <c>proc_fdinfo</c> that are sockets.</summary>
    public static IReadOnlyList<int> SocketDescriptors(ReadOnlySpan<byte> array)
    {
        var sockets = new List<int>();
        for (; array.Length >= DescriptorSize; array = array[DescriptorSize..])
        {
            if (Int(array, 4) == SocketDescriptor)
            {
                sockets.Add(Int(array, 0));
            }
        }

        return sockets;
    }

    /// <summary>Whether a <c>socket_fdinfo</c> is a TCP socket that listens on this port at an address that loopback reaches.</summary>
    public static bool Listens(ReadOnlySpan<byte> socket, int port) =>
        Int(socket, Kind) == TcpSocket
        && Int(socket, TcpState) == ListenState
        && BinaryPrimitives.ReadUInt16BigEndian(socket[LocalPort..]) == port // an int that holds the port as it is on the wire
        && IsReachedByLoopback(socket);

    /// <summary>Whether a <c>KERN_PROCARGS2</c> block has exactly this variable: a count, the path, zeroes, that many arguments, then the environment.</summary>
    public static bool HasVariable(ReadOnlySpan<byte> block, string name, string value)
    {
        if (block.Length < sizeof(int))
        {
            return false;
        }

        var arguments = Int(block, 0);
        block = AfterZero(block[sizeof(int)..]);
        block = block[(block.IndexOfAnyExcept((byte)0) is var start and >= 0 ? start : block.Length)..];
        for (var i = 0; i < arguments; i++)
        {
            block = AfterZero(block);
        }

        // An empty entry ends the environment; what follows it are strings of the loader.
        var end = block.IndexOf("\0\0"u8);
        return LinuxProcText.HasVariable(end < 0 ? block : block[..end], name, value);
    }

    private static bool IsReachedByLoopback(ReadOnlySpan<byte> socket)
    {
        // An IPv4 address is the last word of the sixteen bytes.
        var address = socket.Slice(LocalAddress, 16);
        return (socket[VersionFlag] & IsIPv4) != 0
            ? address[12..].SequenceEqual(new byte[4]) || address[12] == 127
            : address[..15].SequenceEqual(new byte[15]) && address[15] <= 1;
    }

    private static ReadOnlySpan<byte> AfterZero(ReadOnlySpan<byte> block) => block.IndexOf((byte)0) is var zero and >= 0 ? block[(zero + 1)..] : [];

    private static int Int(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadInt32LittleEndian(bytes[offset..]);
}
