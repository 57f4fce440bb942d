using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

public sealed class MemoryLimitsTests
{
    private readonly FakeKernelFiles _files = new FakeKernelFiles().WithMachine(totalMegabytes: 1000, availableMegabytes: 600);

    [Fact]
    public void OfLinux_WithoutAGroup_IsTheMachine() => Assert.Equal(new MemoryLimits(ByteSize.FromMegabytes(1000), null, null), MemoryLimits.OfLinux(_files));

    [Theory]
    [InlineData(100L, 100L)]
    [InlineData(2000L, null)] // more than there is bounds nothing
    public void OfLinux_InAGroup_IsItsLimitTooIfItBinds(long limitMegabytes, long? seen)
    {
        _files["/proc/self/cgroup"] = "0::/app\n";
        _files["/proc/self/mountinfo"] = "42 25 0:29 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
        _files["/sys/fs/cgroup/app/memory.max"] = $"{limitMegabytes << 20}\n";

        Assert.Equal(seen is { } megabytes ? ByteSize.FromMegabytes(megabytes) : null, MemoryLimits.OfLinux(_files)!.ControlGroup);
    }

    [Fact]
    public void OfLinux_WithoutProc_IsNotKnown() => Assert.Null(MemoryLimits.OfLinux(new FakeKernelFiles()));

    [Theory]
    [InlineData(0L, null)]
    [InlineData(null, null)]
    [InlineData(28L << 10, 28.0)]
    [InlineData(long.MaxValue, null)]
    public void OfMac_IsWhatTheGpuMayHoldWhereSomebodySetIt(long? wired, double? gigabytes) =>
        Assert.Equal(new MemoryLimits(ByteSize.FromGigabytes(32), null, gigabytes is { } set ? ByteSize.FromGigabytes(set) : null), MemoryLimits.OfMac(new Mac(wired)));

    private sealed class Mac(long? wired) : IMacSystem
    {
        public long? Number(string name) => name switch { "hw.memsize" => 32L << 30, "iogpu.wired_limit_mb" => wired, _ => null };

        public MacPages? Pages() => null;

        public MacUsage? Usage(int pid) => null;

        public IReadOnlyList<int> Group(int leader) => [];

        public IReadOnlyList<int> Children(int pid) => [];

        public string? Output(string commandLine) => null;
    }
}
