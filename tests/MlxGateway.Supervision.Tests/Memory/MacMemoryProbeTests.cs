using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

public sealed class MacMemoryProbeTests : ILogger<MacMemoryProbe>, IMacSystem, IDeviceMemory
{
    private const int Gone = 99;
    private const long Size = 32L << 30;
    private static readonly MacPages Loaded = MacPages.Parse(MacTexts.Loaded)!.Value;

    private readonly List<string> _log = [];
    private readonly List<string> _commands = [];
    private readonly Dictionary<string, long> _numbers = new() { ["hw.memsize"] = Size, ["kern.memorystatus_vm_pressure_level"] = 1, ["iogpu.wired_limit_mb"] = 0 };
    private readonly Dictionary<string, string> _outputs = new() { ["sysctl"] = $"{Size}\n", ["vm_stat"] = MacTexts.Loaded };
    private readonly Dictionary<int, int[]> _groups = [];
    private readonly Dictionary<int, int[]> _children = [];
    private MacPages? _pages = Loaded;
    private readonly MacMemoryProbe _probe;

    public MacMemoryProbeTests() => _probe = new MacMemoryProbe(this, this, this);

    public ByteSize? RecommendedWorkingSet { get; private set; }

    [Fact]
    public void Read_KernelAndProgramsAgree_TakesTheKernelAndAsksTheProgramsOnce()
    {
        Assert.Equal(new MemoryReading(new ByteSize(Size), Loaded.Available, "hw.memsize"), _probe.Read());
        _pages = Loaded with { Free = 1 };
        Assert.Equal(new ByteSize((1 + 1863 + 92351) * 16384L), _probe.Read().Available);

        Assert.Empty(_log);
        Assert.Equal(2, _commands.Count);
    }

    [Fact]
    public void Read_DifferenceWithinFivePercent_TakesTheKernel()
    {
        _pages = Loaded with { Free = Loaded.Free - 100_000 }; // 1.5 GB of 32

        Assert.Equal(_pages.Value.Available, _probe.Read().Available);
        Assert.Empty(_log);
    }

    [Fact]
    public void Read_PagesThatDisagree_WarnsOnceAndBelievesVmStatFromThenOn()
    {
        _pages = new MacPages(1, 1, 1, 16384);

        Assert.Equal(Loaded.Available, _probe.Read().Available);
        _outputs["vm_stat"] = MacTexts.Squeezed;
        Assert.Equal(MacPages.Parse(MacTexts.Squeezed)!.Value.Available, _probe.Read().Available);

        Assert.Equal(["1501 The memory of this Mac is read from vm_stat: 48.00 KB are available by the kernel and 7.65 GB by vm_stat."], _log);
    }

    [Fact]
    public void Read_SizeOfAPageThatDisagrees_BelievesVmStat()
    {
        _pages = new MacPages(Loaded.Free * 4, Loaded.Purgeable * 4, Loaded.FileBacked * 4, 4096);

        _probe.Read();

        Assert.Equal(["1501 The memory of this Mac is read from vm_stat: a page has 4096 bytes by the kernel and 16384 by vm_stat."], _log);
    }

    [Fact]
    public void Read_SizeThatDisagrees_BelievesSysctl()
    {
        _numbers["hw.memsize"] = Size / 2;

        Assert.Equal(new ByteSize(Size), _probe.Read().Total);
        Assert.Equal(["1501 The memory of this Mac is read from vm_stat: the memory is 16.00 GB by the kernel and 32.00 GB by sysctl."], _log);
    }

    [Fact]
    public void Read_KernelDoesNotAnswer_BelievesThePrograms()
    {
        _pages = null;

        Assert.Equal(Loaded.Available, _probe.Read().Available);
        Assert.Equal(["1501 The memory of this Mac is read from vm_stat: the kernel does not answer."], _log);
    }

    [Theory]
    [InlineData("vm_stat", null)]
    [InlineData("vm_stat", "nonsense")]
    [InlineData("sysctl", null)]
    [InlineData("sysctl", "nonsense")]
    public void Read_ProgramsDoNotAnswer_BelievesTheKernel(string program, string? output)
    {
        _outputs.Remove(program);
        if (output is not null)
        {
            _outputs[program] = output;
        }

        Assert.Equal(Loaded.Available, _probe.Read().Available);
        Assert.StartsWith("1502 ", Assert.Single(_log), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NobodyAnswers_SaysSo()
    {
        _pages = null;
        _outputs.Clear();

        Assert.Throws<IOException>(() => _probe.Read());
    }

    [Theory]
    [InlineData(1L, true)]
    [InlineData(2L, true)]
    [InlineData(4L, false)]
    [InlineData(null, true)] // kernels that tell it to administrators alone
    public void Read_Pressure_OnlyTheCriticalOneLeavesNothing(long? level, bool isAvailable)
    {
        _numbers.Remove("kern.memorystatus_vm_pressure_level");
        if (level is { } set)
        {
            _numbers["kern.memorystatus_vm_pressure_level"] = set;
        }

        Assert.Equal(isAvailable ? Loaded.Available : ByteSize.Zero, _probe.Read().Available);
        Assert.Equal(new ByteSize(Size), _probe.Read().Total);
    }

    [Theory]
    [InlineData(0L, null, 32.0, "hw.memsize")]
    [InlineData(null, null, 32.0, "hw.memsize")] // not Apple silicon
    [InlineData(0L, 24.0, 24.0, "Metal's recommended working set")]
    [InlineData(0L, 48.0, 32.0, "hw.memsize")]
    [InlineData(28L << 10, 24.0, 28.0, "iogpu.wired_limit_mb")] // raised since the engine was asked
    [InlineData(long.MaxValue, null, 32.0, "hw.memsize")]
    public void Read_WhatTheGpuMayHold_BoundsTheTotal(long? wiredLimit, double? recommended, double total, string source)
    {
        _numbers.Remove("iogpu.wired_limit_mb");
        if (wiredLimit is { } set)
        {
            _numbers["iogpu.wired_limit_mb"] = set;
        }

        RecommendedWorkingSet = recommended is { } gigabytes ? ByteSize.FromGigabytes(gigabytes) : null;

        var reading = _probe.Read();
        Assert.Equal((ByteSize.FromGigabytes(total), source), (reading.Total, reading.Source));
    }

    [Fact]
    public void Read_MoreAvailableThanTheGpuMayHold_IsBoundedToo()
    {
        RecommendedWorkingSet = ByteSize.FromGigabytes(4);

        Assert.Equal(ByteSize.FromGigabytes(4), _probe.Read().Available);
    }

    [Fact]
    public void FootprintOf_Group_CountsMembersAndDescendantsOnce()
    {
        _groups[10] = [10, 11];
        _children[10] = [11, 12];
        _children[12] = [13, 10]; // ids are used again: a circle must end

        Assert.Equal(new ByteSize(10 + 11 + 12 + 13), _probe.FootprintOf([10]));
    }

    [Fact]
    public void FootprintOf_SeveralRunners_CountsNobodyTwice()
    {
        _children[10] = [20];

        Assert.Equal(new ByteSize(10 + 20), _probe.FootprintOf([10, 20]));
    }

    [Fact]
    public void ReadingsOf_Group_AddsUpWhatItsMembersTakeAndTookAtMost()
    {
        _groups[10] = [10, 11];
        _children[10] = [Gone];

        var reading = Assert.Single(_probe.ReadingsOf([10, Gone]));
        Assert.Equal(10, reading.Key);
        Assert.Equal(new FootprintReading(new ByteSize(10 + 11), new ByteSize(3 + 3), new ByteSize(20 + 22 + 3 + 3)), reading.Value);
    }

    [Theory]
    [InlineData(100, 30, 100, 100, 0, 100)] // what the GPU holds is not resident
    [InlineData(100, 130, 110, 100, 30, 140)]
    [InlineData(100, 100, 90, 100, 0, 100)] // never a peak below what is taken now
    public void Sum_OneProcess_TellsFilesFromTheRest(long footprint, long resident, long highest, long mine, long mapped, long peak) =>
        Assert.Equal(new FootprintReading(new(mine), new(mapped), new(peak)), MacUsage.Sum([new MacUsage(new(footprint), new(resident), new(highest))]));

    [Fact]
    public void Output_RealPrograms_IsWhatTheyWrite()
    {
        var system = new MacSystem();

        Assert.Equal("17179869184\n", system.Output("echo 17179869184"));
        Assert.Null(system.Output("echo 1; exit 3"));
        Assert.Null(system.Output("/no/such/program 2>/dev/null"));
        Assert.Equal(64 << 10, system.Output("head -c 100000 /dev/zero 2>/dev/null; true")!.Length); // what does not fit is left
    }

    long? IMacSystem.Number(string name) => _numbers.TryGetValue(name, out var number) ? number : null;

    MacPages? IMacSystem.Pages() => _pages;

    MacUsage? IMacSystem.Usage(int pid) => pid == Gone ? null : new MacUsage(new ByteSize(pid), new ByteSize(pid + 3), new ByteSize(pid * 2));

    IReadOnlyList<int> IMacSystem.Group(int leader) => _groups.GetValueOrDefault(leader, []);

    IReadOnlyList<int> IMacSystem.Children(int pid) => _children.GetValueOrDefault(pid, []);

    string? IMacSystem.Output(string commandLine)
    {
        _commands.Add(commandLine);
        return _outputs.GetValueOrDefault(commandLine.Contains("vm_stat", StringComparison.Ordinal) ? "vm_stat" : "sysctl");
    }

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _log.Add($"{eventId.Id} {formatter(state, exception)}");
}
