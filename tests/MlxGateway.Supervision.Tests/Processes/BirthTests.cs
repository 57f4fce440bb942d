using MlxGateway.Supervision.Processes;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Supervision.Tests.Processes;

/// <summary>What a child gets with it, and what it does not.</summary>
public sealed class BirthTests : IAsyncLifetime
{
    private readonly Household _house = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _house.DisposeAsync();

    [Fact]
    public async Task Arguments_WithEverythingAShellWouldTouch_ArriveUnchanged()
    {
        string[] arguments = ["two words", "", "\"quoted\" 'too'", "$(touch /tmp/never) `x` $HOME", "a\\b", "*", "grün 模型", "-n", "; exit 3"];

        var child = _house.Python("import sys\nfor a in sys.argv[1:]: print('<' + a + '>')", arguments);

        Assert.Equal(arguments.Select(argument => $"<{argument}>"), await Household.OutputOf(child));
    }

    [Fact]
    public async Task Environment_IsWhatWasGivenAndTheMarks()
    {
        Environment.SetEnvironmentVariable("MLXGATEWAY_TEST_LEAK", "1");
        var child = _house.Children.Start(new ChildCommand
        {
            Label = "env", Executable = "/usr/bin/env", Arguments = [], Environment = new Dictionary<string, string> { ["ONE"] = "a b=c", ["TWO"] = "" },
        });

        var lines = await Household.OutputOf(child);

        Assert.Equal(["MLXGATEWAY_CHILD=", "MLXGATEWAY_MARK=", "ONE=a b=c", "TWO="], lines.Select(line => line.StartsWith("MLX", StringComparison.Ordinal) ? line[..(line.IndexOf('=') + 1)] : line).Order());
        Assert.Contains($"MLXGATEWAY_MARK={_house.Children.Mark}", lines);
    }

    [Fact]
    public async Task Input_IsAtItsEnd() => Assert.Equal(["none"], await Household.OutputOf(_house.Shell("read -r line && echo \"got $line\" || echo none")));

    [Fact]
    public async Task Descriptors_AreTheFirstThreeAndNoOther()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc");
        // A descriptor that is inherited, unlike all those that .NET opens.
        using var leaky = new System.IO.Pipes.AnonymousPipeServerStream(System.IO.Pipes.PipeDirection.Out, HandleInheritability.Inheritable);

        var child = _house.Shell("echo ready now; exec sleep 1000");
        await Household.Said(child, "ready");

        Assert.Equal(["0", "1", "2"], Directory.EnumerateFileSystemEntries($"/proc/{child.Pid}/fd").Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task Child_LeadsItsOwnSessionAndGroup()
    {
        var child = _house.Python("import os; print(os.getpid(), os.getpgid(0), os.getsid(0))");

        Assert.Equal([$"{child.Pid} {child.Pid} {child.Pid}"], await Household.OutputOf(child));
    }

    [Fact]
    public async Task Signals_AreAsAProgramExpectsThem()
    {
        // Otherwise "yes" would ignore the broken pipe and this would end with its error, or not at all.
        var child = _house.Python("""
            import signal
            ignored = [s.name for s in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ} if hasattr(s, 'name') and signal.getsignal(s) == signal.SIG_IGN]
            print(ignored, signal.pthread_sigmask(signal.SIG_BLOCK, []))
            """);
        var pipe = _house.Shell("(trap - PIPE; yes; echo $? >&2) | head -n 1");

        Assert.Equal(["[] set()"], await Household.OutputOf(child));
        Assert.Equal(["141", "y"], (await Household.OutputOf(pipe)).Order());
    }

    [Fact]
    public async Task WorkingDirectory_IsWhereItStarts()
    {
        var child = _house.Start("/bin/pwd", [], _house.Folder);

        Assert.Equal([_house.Folder], await Household.OutputOf(child));
    }

    [Fact]
    public async Task RelativePath_IsMeantFromTheWorkingDirectory()
    {
        Scripts.Write(Path.Combine(_house.Folder, "server"), "#!/bin/sh\necho here", "500");

        Assert.Equal(["here"], await Household.OutputOf(_house.Start("./server", [], _house.Folder)));
    }

    [Theory]
    [InlineData("no-such-program-at-all", null, "is not found on PATH")]
    [InlineData("/no/such/program", null, "does not exist")]
    [InlineData("/etc/passwd", null, "is not executable")]
    [InlineData("/etc", null, "is a folder")]
    [InlineData("", null, "the command is empty")]
    [InlineData("/bin/sh", "/no/such/folder", "working directory \"/no/such/folder\" does not exist")]
    [InlineData("/bin/sh\0x", null, "zero character")]
    public void Start_OfWhatCannotBeStarted_SaysWhyInASentence(string executable, string? workingDirectory, string reason)
    {
        var error = Assert.Throws<ChildStartException>(() => _house.Start(executable, [], workingDirectory));

        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", error.Message.TrimEnd(')') + ".", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("#!/no/such/interpreter\n", "interpreter")]
    [InlineData("neither a script nor a program", "not a program for this machine")]
    public void Start_OfAnExecutableFileThatIsNoProgram_SaysWhyAndLeavesNoLog(string content, string reason)
    {
        var path = Path.Combine(_house.Folder, "broken");
        Scripts.Write(path, content, "500");

        var error = Assert.Throws<ChildStartException>(() => _house.Start(path, []));

        Assert.Contains(reason, error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(_house.State.Logs));
    }

    [Fact]
    public async Task Exit_IsReportedWithItsCodeOrSignal()
    {
        var code = await _house.Shell("exit 7").Exited.WaitAsync(Household.Long, TestContext.Current.CancellationToken);
        var signal = await _house.Shell("kill -SEGV $$").Exited.WaitAsync(Household.Long, TestContext.Current.CancellationToken);

        Assert.Equal("exit code 7", code.ToString());
        Assert.Equal(11, signal.Signal);
        Assert.Equal("signal 11 (SIGSEGV)", signal.ToString());
    }

    [Fact]
    public async Task ManyStartsAndStops_LeaveNoDescriptorBehind()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "reads /proc");
        await _house.Shell("exit 0").Exited;
        var before = Descriptors();

        for (var i = 0; i < 100; i++)
        {
            await _house.Shell(i % 2 == 0 ? "exit 0" : "exec sleep 100").StopAsync(TimeSpan.FromSeconds(10));
        }

        // Other tests run beside this one and have descriptors of their own: only those that are ours are counted.
        await Household.Until(() => Descriptors() <= before, "every descriptor is closed");
        Assert.True(Directory.EnumerateFiles(_house.State.Logs, "*.log").Count() <= 52);
        Assert.Empty(_house.State.Records());
    }

    private int Descriptors() => Directory.EnumerateFileSystemEntries("/proc/self/fd")
        .Count(entry => new FileInfo(entry).LinkTarget is { } target && target.StartsWith(_house.Folder, StringComparison.Ordinal));
}
