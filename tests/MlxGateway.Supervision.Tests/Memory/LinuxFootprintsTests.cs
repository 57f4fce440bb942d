using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

/// <summary>What is made of the kernel's texts. Figures are in kilobytes.</summary>
public sealed class LinuxFootprintsTests
{
    private readonly FakeKernelFiles _files = new();
    private readonly LinuxMemoryProbe _probe;

    public LinuxFootprintsTests() => _probe = new LinuxMemoryProbe(_files);

    [Fact]
    public void ReadingsOf_ProcessAlone_IsReadFromItsCountersWithoutARollup()
    {
        _files.WithProcess(7, 1, 7, "runner", anonymous: 1, status: Status(anonymous: 1000, file: 5000, shared: 30, highest: 7000));

        Assert.Equal(Reading(1030, 5000, 7000), Assert.Single(_probe.ReadingsOf([7])).Value);
        Assert.DoesNotContain(_files.Reads, path => path.EndsWith("smaps_rollup", StringComparison.Ordinal));
    }

    // The kernel's mark may lag behind its counters by some pages.
    [Fact]
    public void ReadingsOf_MarkBelowWhatIsTaken_PeakIsWhatIsTaken()
    {
        _files.WithProcess(7, 1, 7, "runner", status: Status(anonymous: 1000, file: 500, shared: 0, highest: 1400));

        Assert.Equal(Reading(1000, 500, 1500), _probe.ReadingsOf([7])[7]);
    }

    // Weights that are mapped and locked are not available while it is there; memory without a file that is locked is counted already.
    [Theory]
    [InlineData(1000, 5000, 4000, 4000, 2000)]
    [InlineData(1000, 500, 4000, 1500, 0)]
    [InlineData(1000, 5000, 900, 1000, 5000)]
    public void ReadingsOf_LockedPagesOfFiles_AreItsOwn(int anonymous, int file, int locked, int expected, int mapped)
    {
        _files.WithProcess(7, 1, 7, "runner", anonymous: 1, status: Status(anonymous, file, shared: 0, highest: 9000) + $"VmLck:\t{locked} kB\n");

        Assert.Equal(Reading(expected, mapped, 9000), Assert.Single(_probe.ReadingsOf([7])).Value);
    }

    [Fact]
    public void ReadingsOf_Family_CountsSharedPagesOnceAndTakesThemOffThePeak()
    {
        // A worker forked off: 1000 private pages and 400 of files are shared by both, so each has half of them as its share.
        _files.WithProcess(7, 1, 7, "runner", status: Status(anonymous: 1200, file: 400, shared: 0, highest: 2000));
        _files.WithProcess(8, 7, 7, "worker", status: Status(anonymous: 1100, file: 400, shared: 0, highest: 1600));
        _files["/proc/7/smaps_rollup"] = Rollup(rss: 1600, anonymous: 700, file: 200);
        _files["/proc/8/smaps_rollup"] = Rollup(rss: 1500, anonymous: 600, file: 200);

        // 2000 + 1600 at most, of which 1600 + 1500 − 1700 now are counted twice.
        Assert.Equal(Reading(1300, 400, 2200), _probe.ReadingsOf([7])[7]);
    }

    [Fact]
    public void ReadingsOf_FamilyWithoutRollups_CountsWhatIsSharedForEach()
    {
        _files.WithProcess(7, 1, 7, "runner", status: Status(anonymous: 100, file: 10, shared: 0, highest: 200));
        _files.WithProcess(8, 7, 7, "worker", status: Status(anonymous: 100, file: 10, shared: 0, highest: 150));

        Assert.Equal(Reading(200, 20, 350), _probe.ReadingsOf([7])[7]);
    }

    [Fact]
    public void ReadingsOf_GoneOrZombie_AreLeftOut()
    {
        _files.WithProcess(7, 1, 7, "runner", status: Status(anonymous: 100, file: 10, shared: 0, highest: 200));
        _files.WithProcess(8, 1, 8, "zombie", status: "Name:\tzombie\nState:\tZ (zombie)\n");

        Assert.Equal([7], _probe.ReadingsOf([7, 8, 9]).Keys);
    }

    [Fact]
    public void Probe_SeveralRunners_LooksAtEachProcessOnce()
    {
        foreach (var pid in Enumerable.Range(10, 5))
        {
            _files.WithProcess(pid, 1, pid, "runner", status: Status(anonymous: pid, file: 0, shared: 0, highest: pid));
        }

        Assert.Equal(new ByteSize((10 + 11 + 12) << 10), _probe.FootprintOf([10, 11, 12]));
        Assert.Equal(5, _files.Reads.Count(path => path.EndsWith("/stat", StringComparison.Ordinal)));
        _files.Reads.Clear();
        Assert.Equal(3, _probe.ReadingsOf([10, 11, 12]).Count);
        Assert.Equal(5, _files.Reads.Count(path => path.EndsWith("/stat", StringComparison.Ordinal)));
    }

    [Fact]
    public void Probe_NoRunners_LooksAtNoProcess()
    {
        _files.WithProcess(7, 1, 7, "runner", anonymous: 1);

        Assert.Equal(ByteSize.Zero, _probe.FootprintOf([]));
        Assert.Empty(_probe.ReadingsOf([]));
        Assert.Empty(_files.Reads);
    }

    [Fact]
    public void FootprintOf_OneRunnerBelowAnother_CountsItOnce()
    {
        _files.WithProcess(7, 1, 7, "runner", anonymous: 100);
        _files.WithProcess(8, 7, 8, "its child", anonymous: 20);

        Assert.Equal(new ByteSize(120 << 10), _probe.FootprintOf([7, 8]));
        Assert.Equal(new ByteSize(120 << 10), _probe.FootprintOf([8, 7]));
    }

    private static FootprintReading Reading(long mine, long mapped, long peak) => new(new(mine << 10), new(mapped << 10), new(peak << 10));

    private static string Status(long anonymous, long file, long shared, long highest) =>
        $"Name:\tx\nVmPeak:\t 9999999 kB\nVmHWM:\t{highest,8} kB\nVmRSS:\t{anonymous + file + shared,8} kB\nRssAnon:\t{anonymous,8} kB\nRssFile:\t{file,8} kB\nRssShmem:\t{shared,8} kB\n";

    private static string Rollup(long rss, long anonymous, long file) =>
        $"55a65d0d6000-7ffdaf738000 ---p 00000000 00:00 0     [rollup]\nRss:  {rss} kB\nPss:  {anonymous + file} kB\nPss_Anon:   {anonymous} kB\nPss_File:   {file} kB\nPss_Shmem:   0 kB\n";
}
