using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

public sealed class LinuxMemoryProbeTests
{
    private const string Version2Mount = "25 30 0:23 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n42 25 0:29 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";
    private const string Version1Mounts = "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
        + "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    private readonly FakeKernelFiles _files = new FakeKernelFiles().WithMachine(totalMegabytes: 1000, availableMegabytes: 600);

    [Fact]
    public void Read_NoGroups_IsWhatMeminfoSays() => AssertReading(1000, 600, "/proc/meminfo");

    [Theory]
    [InlineData("low 0\nhigh 7\nmax 12\noom 9\noom_kill 3\noom_group_kill 1\n", 3L)]
    [InlineData("low 0\nmax 12\n", 44L)] // an old kernel: the machine's count stands in
    [InlineData(null, 44L)]
    public void MemoryKills_Version2_AreThoseOfTheGroupOrElseOfTheMachine(string? events, long kills)
    {
        Group2("/app", limit: "max", usage: 1, cache: 0);
        _files["/proc/vmstat"] = "pgfault 12345\noom_kill 44\n";
        if (events is not null)
        {
            _files["/sys/fs/cgroup/app/memory.events"] = events;
        }

        Assert.Equal(kills, new LinuxMemoryProbe(_files).MemoryKills());
    }

    [Fact]
    public void MemoryKills_Version1_AreThoseOfTheGroup()
    {
        _files["/proc/self/cgroup"] = "5:memory:/app\n0::/\n";
        _files["/proc/self/mountinfo"] = Version1Mounts;
        _files["/sys/fs/cgroup/memory/app/memory.oom_control"] = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n";

        Assert.Equal(2, new LinuxMemoryProbe(_files).MemoryKills());
    }

    [Fact]
    public void MemoryKills_NothingSaysThem_AreUnknown() => Assert.Null(new LinuxMemoryProbe(_files).MemoryKills());

    [Fact]
    public void Read_Version2GroupWithALimit_IsTheTighterOfBoth()
    {
        Group2("/app", limit: "300", usage: 120, cache: 20);

        AssertReading(300, 200, "the cgroup limit");
    }

    [Fact]
    public void Read_Version2GroupWithoutALimit_IsTheMachine()
    {
        Group2("/app", limit: "max", usage: 120, cache: 20);

        AssertReading(1000, 600, "/proc/meminfo");
    }

    [Fact]
    public void Read_LimitsAboveTheGroup_TheTightestTotalAndTheLeastLeftHold()
    {
        Group2("/outer/middle/inner", limit: "max", usage: 10, cache: 0);
        Limit2("/outer/middle", limit: "400", usage: 50, cache: 0);
        Limit2("/outer", limit: "500", usage: 480, cache: 30);

        AssertReading(400, 50, "the cgroup limit");
    }

    [Fact]
    public void Read_GroupOverItsLimit_HasNothingLeftAndNotLess()
    {
        Group2("/app", limit: "100", usage: 150, cache: 0);

        AssertReading(100, 0, "the cgroup limit");
    }

    [Fact]
    public void Read_MachineHasLessThanTheGroupAllows_TheMachineDecidesWhatIsAvailable()
    {
        Group2("/app", limit: "900", usage: 0, cache: 0);

        AssertReading(900, 600, "the cgroup limit");
    }

    [Fact]
    public void Read_LimitAboveTheMachine_TheMachineDecides()
    {
        Group2("/app", limit: "5000", usage: 4700, cache: 0);

        AssertReading(1000, 300, "/proc/meminfo");
    }

    [Fact]
    public void Read_ContainerThatSeesItsOwnGroupAsTheTop_FindsTheLimitThere()
    {
        Group2("/", limit: "300", usage: 100, cache: 0);

        AssertReading(300, 200, "the cgroup limit");
    }

    [Fact]
    public void Read_ContainerWhoseMountBeginsAtItsGroup_FindsTheLimitThere()
    {
        _files["/proc/self/cgroup"] = "4:memory:/docker/abc\n0::/docker/abc\n";
        _files["/proc/self/mountinfo"] = "35 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        Limit1("", "300", usage: 100, cache: 0);

        AssertReading(300, 200, "the cgroup limit");
    }

    [Fact]
    public void Read_GroupOutsideOfWhatIsMounted_TakesTheMountsTop()
    {
        _files["/proc/self/cgroup"] = "0::/../../other\n";
        _files["/proc/self/mountinfo"] = Version2Mount;
        Limit2("", "300", usage: 100, cache: 0);

        AssertReading(300, 200, "the cgroup limit");
    }

    [Fact]
    public void Read_Version1_CountsTheWholeTreesCacheAsLeft()
    {
        Group1("/outer/app");
        Limit1("/outer/app", "9223372036854771712", usage: 10, cache: 0);
        Limit1("/outer", "300", usage: 150, cache: 50);

        AssertReading(300, 200, "the cgroup limit");
    }

    [Fact]
    public void Read_Version1WithoutALimit_IsTheMachine()
    {
        Group1("/");
        Limit1("", "9223372036854771712", usage: 10, cache: 0);

        AssertReading(1000, 600, "/proc/meminfo");
    }

    [Fact]
    public void Read_MountPointWithASpace_IsFound()
    {
        _files["/proc/self/cgroup"] = "0::/app\n";
        _files["/proc/self/mountinfo"] = Version2Mount.Replace("/sys/fs/cgroup", "/my\\040groups", StringComparison.Ordinal);
        _files["/my groups/app/memory.max"] = $"{300L << 20}\n";

        AssertReading(300, 300, "the cgroup limit");
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("garbage", "garbage - ")]
    [InlineData("0::", "1 2 3 - \n- - -\n")]
    [InlineData("4:memory:/x\n", Version2Mount)]
    public void Read_GroupFilesThatMakeNoSense_IsTheMachine(string cgroup, string mountinfo)
    {
        _files["/proc/self/cgroup"] = cgroup;
        _files["/proc/self/mountinfo"] = mountinfo;

        AssertReading(1000, 600, "/proc/meminfo");
    }

    [Fact]
    public void Read_NoMeminfo_AsksTheRuntime()
    {
        var reading = new LinuxMemoryProbe(new FakeKernelFiles()).Read();

        Assert.Equal("the .NET runtime", reading.Source);
        Assert.InRange(reading.Available.Bytes, 0, reading.Total.Bytes);
        Assert.True(reading.Total > ByteSize.Zero);
    }

    [Fact]
    public void Read_ThisMachine_IsPlausible()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs Linux");
        var reading = new LinuxMemoryProbe(new KernelFiles()).Read();

        Assert.InRange(reading.Total.Bytes, 64L << 20, 1L << 50);
        Assert.InRange(reading.Available.Bytes, 1, reading.Total.Bytes);
    }

    private void AssertReading(long totalMegabytes, long availableMegabytes, string source) =>
        Assert.Equal(new MemoryReading(ByteSize.FromMegabytes(totalMegabytes), ByteSize.FromMegabytes(availableMegabytes), source), new LinuxMemoryProbe(_files).Read());

    private void Group2(string group, string limit, long usage, long cache)
    {
        _files["/proc/self/cgroup"] = $"0::{group}\n";
        _files["/proc/self/mountinfo"] = Version2Mount;
        Limit2(group.TrimEnd('/'), limit, usage, cache);
    }

    private void Limit2(string group, string limit, long usage, long cache)
    {
        _files[$"/sys/fs/cgroup{group}/memory.max"] = limit == "max" ? "max\n" : $"{long.Parse(limit, null) << 20}\n";
        _files[$"/sys/fs/cgroup{group}/memory.current"] = $"{usage << 20}\n";
        _files[$"/sys/fs/cgroup{group}/memory.stat"] = $"anon 5\nfile 7\ninactive_anon 1\ninactive_file {cache << 20}\nactive_file 99999\n";
    }

    private void Group1(string group)
    {
        _files["/proc/self/cgroup"] = $"9:name=systemd:/\n4:memory:{group}\n0::/\n";
        _files["/proc/self/mountinfo"] = Version1Mounts;
    }

    private void Limit1(string group, string limit, long usage, long cache)
    {
        _files[$"/sys/fs/cgroup/memory{group}/memory.limit_in_bytes"] = limit.Length > 10 ? limit : $"{long.Parse(limit, null) << 20}\n";
        _files[$"/sys/fs/cgroup/memory{group}/memory.usage_in_bytes"] = $"{usage << 20}\n";
        _files[$"/sys/fs/cgroup/memory{group}/memory.stat"] = $"cache 5\ninactive_file 1\ntotal_inactive_file {cache << 20}\n";
    }
}
