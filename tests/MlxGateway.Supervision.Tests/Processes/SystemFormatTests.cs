using System.Buffers.Binary;
using System.Net;
using System.Text;
using MlxGateway.Supervision.Processes;
using Xunit;

namespace MlxGateway.Supervision.Tests.Processes;

/// <summary>What the systems say about processes, as bytes; so that the half of it which is not this machine's is tried as well.</summary>
public sealed class SystemFormatTests
{
    [Fact]
    public void Stat_OfAProcessWithANastyName_IsUnderstood()
    {
        var entry = LinuxProcText.ParseStat("4242 (a) R 1 (b) S 17 4200 4100 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654321 1000 200 18446744073709551615\n"u8);

        Assert.Equal(new ProcessEntry(new ProcessIdentity(4242, 987654321), Parent: 17, Group: 4200, Session: 4100, IsZombie: false), entry);
    }

    [Theory]
    [InlineData("")]
    [InlineData("12")]
    [InlineData("12 (x")]
    [InlineData("12 (x) S 1 2 3")]
    public void Stat_ThatIsTorn_IsNothing(string text) => Assert.Null(LinuxProcText.ParseStat(Encoding.ASCII.GetBytes(text)));

    [Theory]
    [InlineData("4242 (a) R 1 (b) S 17 4200 4100 0 -1 4194560 1 2 3 4 1234 66 7 8 20 0 1 0 987654321 1000\n", 13.0)]
    [InlineData("4242 (a) S 17 4200 4100 0 -1 4194560 1 2 3 4 0 0 7 8 20 0 1 0 987654321 1000\n", 0.0)]
    [InlineData("4242 (a) S 17 4200 4100 0", null)]
    [InlineData("", null)]
    public void Stat_ProcessorTime_IsThatOfTheProcessItself(string text, double? seconds) =>
        Assert.Equal(seconds is { } s ? TimeSpan.FromSeconds(s) : null, LinuxProcText.ParseProcessorTime(Encoding.ASCII.GetBytes(text)));

    [Theory]
    [InlineData(1u, 1u, 3_500_000_000UL, 500_000_000UL, 4.0)] // Intel: nanoseconds
    [InlineData(125u, 3u, 84_000_000UL, 12_000_000UL, 4.0)] // Apple's own: 24 million units a second
    [InlineData(125u, 3u, 7_257_600_000_000UL, 0UL, 302_400.0)] // three and a half days, which as nanoseconds times 125 are near the end of 64 bits
    public void MacResourceUsage_ProcessorTime_IsInUnitsOfTheClock(uint numerator, uint denominator, ulong user, ulong system, double seconds)
    {
        var usage = new byte[MacLayouts.ResourceUsageSize];
        BinaryPrimitives.WriteUInt64LittleEndian(usage.AsSpan(16), user);
        BinaryPrimitives.WriteUInt64LittleEndian(usage.AsSpan(24), system);

        Assert.Equal(TimeSpan.FromSeconds(seconds), MacLayouts.ParseProcessorTime(usage, numerator, denominator));
    }

    [Fact]
    public void Variable_IsFoundOnlyWhole()
    {
        var block = "XMARK=abc\0MARK=abcd\0OTHER=MARK=abc\0MARK=ab"u8;

        Assert.False(LinuxProcText.HasVariable(block, "MARK", "abc"));
        Assert.True(LinuxProcText.HasVariable(block, "MARK", "abcd"));
        Assert.True(LinuxProcText.HasVariable(block, "MARK", "ab"));
    }

    [Fact]
    public void ListeningInodes_AreThoseThatLoopbackReaches()
    {
        const string table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:5208 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100 0 0 10 0
               1: 00000000:5208 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1 0 100 0 0 10 0
               2: 0100007F:5208 0100007F:C000 01 00000000:00000000 00:00000000 00000000     0        0 13 1 0 100 0 0 10 0
               3: 0201A8C0:5208 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 14 1 0 100 0 0 10 0
               4: 0100007F:5209 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 15 1 0 100 0 0 10 0
               5: 00000000000000000000000001000000:5208 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 16 1
               6: B80D0120000000000000000001000000:5208 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 17 1
            """;

        Assert.Equal([11L, 12, 16], LinuxProcText.ListeningInodes(table.Split('\n'), 21_000));
    }

    [Fact]
    public void MacBsdInfo_IsReadWhereTheSystemPutsIt()
    {
        var info = new byte[MacLayouts.BsdInfoSize];
        Put(info, 4, 2);
        Put(info, 12, 4242);
        Put(info, 16, 17);
        Put(info, 100, 4200);
        BinaryPrimitives.WriteInt64LittleEndian(info.AsSpan(120), 1_700_000_000);
        BinaryPrimitives.WriteInt64LittleEndian(info.AsSpan(128), 123_456);

        Assert.Equal(
            new ProcessEntry(new ProcessIdentity(4242, 1_700_000_000_123_456), Parent: 17, Group: 4200, Session: 4100, IsZombie: false), MacLayouts.ParseBsdInfo(info, 4100));
    }

    [Fact]
    public void MacDescriptors_AreFilteredForSockets()
    {
        var array = new byte[4 * MacLayouts.DescriptorSize];
        Put(array, 0, 3);
        Put(array, 4, 1);
        Put(array, 8, 7);
        Put(array, 12, 2);
        Put(array, 16, 9);
        Put(array, 20, 2);

        Assert.Equal([7, 9], MacLayouts.SocketDescriptors(array));
    }

    [Theory]
    [InlineData("127.0.0.1", 21_000, 1, true)]
    [InlineData("0.0.0.0", 21_000, 1, true)]
    [InlineData("::1", 21_000, 1, true)]
    [InlineData("::", 21_000, 1, true)]
    [InlineData("192.168.1.2", 21_000, 1, false)]
    [InlineData("2001:db8::1", 21_000, 1, false)]
    [InlineData("127.0.0.1", 21_001, 1, false)]
    [InlineData("127.0.0.1", 21_000, 4, false)]
    public void MacSocket_ListensOrNot(string address, int port, int state, bool listens)
    {
        var socket = new byte[MacLayouts.SocketSize];
        var ip = IPAddress.Parse(address).GetAddressBytes();
        Put(socket, 256, 2); // soi_kind: TCP
        BinaryPrimitives.WriteUInt16BigEndian(socket.AsSpan(268), (ushort)port);
        socket[288] = (byte)(ip.Length == 4 ? 1 : 2);
        ip.CopyTo(socket.AsSpan(ip.Length == 4 ? 324 : 312));
        Put(socket, 344, state);

        Assert.Equal(listens, MacLayouts.Listens(socket, 21_000));
    }

    [Fact]
    public void MacArguments_AreNotTakenForVariables()
    {
        byte[] block = [2, 0, 0, 0, .. "/opt/python\0\0\0\0\0python\0MARK=argument\0HOME=/Users/x\0MARK=abc\0\0MARK=loader\0"u8];

        Assert.True(MacLayouts.HasVariable(block, "MARK", "abc"));
        Assert.True(MacLayouts.HasVariable(block, "HOME", "/Users/x"));
        Assert.False(MacLayouts.HasVariable(block, "MARK", "argument"));
        Assert.False(MacLayouts.HasVariable(block, "MARK", "loader"));
        Assert.False(MacLayouts.HasVariable([], "MARK", "abc"));
        Assert.False(MacLayouts.HasVariable([9, 0, 0, 0, (byte)'/'], "MARK", "abc"));
    }

    [Theory]
    [InlineData(0, 0, null)]
    [InlineData(0x0700, 7, null)]
    [InlineData(9, null, 9)]
    [InlineData(0x8B, null, 11)] // with a core dump
    public void Status_IsACodeOrASignal(int status, int? code, int? signal) => Assert.Equal(new ChildExit(code, signal), ExitWait.Decode(status));

    [Theory]
    [InlineData(null, false, "/home/x/.local/state/mlxgateway")]
    [InlineData("/state", false, "/state/mlxgateway")]
    [InlineData("relative", false, "/home/x/.local/state/mlxgateway")]
    [InlineData("/state", true, "/home/x/Library/Application Support/MlxGateway")]
    public void StateDirectory_IsWhereTheSystemWantsIt(string? xdg, bool mac, string expected) =>
        Assert.Equal(expected, ProcessesOptions.DefaultStateDirectory(name => name switch { "HOME" => "/home/x", "XDG_STATE_HOME" => xdg, _ => null }, mac));

    private static void Put(byte[] bytes, int offset, int value) => BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(offset), value);
}
