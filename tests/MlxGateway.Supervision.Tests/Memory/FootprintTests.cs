using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Tests.Processes;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

public sealed class FootprintTests
{
    private static readonly ByteSize Kilobyte = new(1024);

    [Fact]
    public void FootprintOf_Process_CountsWhatHasNoFileBehindIt() =>
        Assert.Equal(110, Kilobytes(new FakeKernelFiles().WithProcess(7, 1, 7, "runner", anonymous: 100, shared: 10), 7));

    [Fact]
    public void FootprintOf_Family_CountsDescendantsAndTheGroupAndNobodyElse()
    {
        var files = new FakeKernelFiles()
            .WithProcess(7, 1, 7, "runner", anonymous: 1)
            .WithProcess(8, 7, 7, "child", anonymous: 20)
            .WithProcess(9, 8, 9, "grandchild with a group of its own", anonymous: 300)
            .WithProcess(10, 1, 7, "orphan of the group", anonymous: 4000)
            .WithProcess(11, 10, 11, "child of the orphan", anonymous: 50_000)
            .WithProcess(1, 0, 1, "init", anonymous: 600_000)
            .WithProcess(77, 1, 77, "another runner", anonymous: 7_000_000);

        Assert.Equal(54_321, Kilobytes(files, 7));
    }

    [Fact]
    public void FootprintOf_NamesMadeToConfuse_AreReadAsNames()
    {
        var files = new FakeKernelFiles()
            .WithProcess(7, 1, 7, "a) S 99 99 (b", anonymous: 1)
            .WithProcess(8, 7, 8, ") R 1 1 1", anonymous: 2)
            .WithProcess(9, 1, 9, "x) S 7 7 7", anonymous: 1000);

        Assert.Equal(3, Kilobytes(files, 7));
    }

    [Fact]
    public void FootprintOf_NoRollup_FallsBackToStatus() =>
        Assert.Equal(35, Kilobytes(new FakeKernelFiles().WithProcess(7, 1, 7, "runner", status: "Name:\trunner\nVmRSS:\t  900 kB\nRssAnon:\t   30 kB\nRssFile:\t  865 kB\nRssShmem:\t    5 kB\n"), 7));

    [Fact]
    public void FootprintOf_ProcessThatIsGone_IsNothing()
    {
        Assert.Equal(0, Kilobytes(new FakeKernelFiles(), 7));
        Assert.Equal(0, Kilobytes(new FakeKernelFiles().WithProcess(7, 1, 7, "zombie"), 7));
    }

    [Fact]
    public void FootprintOf_ParentsInACircle_Ends() =>
        Assert.Equal(3, Kilobytes(new FakeKernelFiles().WithProcess(7, 8, 7, "a", anonymous: 1).WithProcess(8, 7, 8, "b", anonymous: 2), 7));

    [Fact]
    public async Task FootprintOf_RealProcess_GrowsWithWhatItTouches()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs Linux");
        await using var household = new Household();
        var probe = new LinuxMemoryProbe(new KernelFiles());

        var small = household.Shell("echo holds nothing; exec sleep 600");
        await Household.Said(small, "holds");
        var large = household.Shell("block=$(head -c 67108864 /dev/zero | tr '\\0' x); echo holds ${#block}; sleep 600");
        Assert.Equal("67108864", await Household.Said(large, "holds"));

        var (before, after) = (probe.FootprintOf([small.Pid]), probe.FootprintOf([large.Pid]));
        Assert.True(before < ByteSize.FromMegabytes(8), $"{before} without");
        Assert.True(after > ByteSize.FromMegabytes(64), $"{after} with");
    }

    private static long Kilobytes(FakeKernelFiles files, int pid) => new LinuxMemoryProbe(files).FootprintOf([pid]).Bytes / Kilobyte.Bytes;
}
