using MlxGateway.Supervision.Processes;
using Xunit;

namespace MlxGateway.Supervision.Tests.Processes;

/// <summary>Runners without a gateway, as a person is told of them; and the small programs that do so.</summary>
public sealed class LeftBehindTests
{
    [Fact]
    public async Task Look_AtRunnersOfALivingGateway_SeesNone()
    {
        await using var house = new Household();
        house.Start("/bin/sleep", ["1000"]);
        await Household.Until(() => house.State.Records().Count == 1, "it is written down");

        Assert.Equal(("", ""), Names(LeftBehind.Look(new ProcessesOptions { StateDirectory = house.Folder })));
    }

    [Fact]
    public async Task Look_AfterTheGatewayIsGone_NamesThoseThatLiveAndTouchesNone()
    {
        await using var house = new Household();
        var (alive, over) = (house.Start("/bin/sleep", ["1000"]), house.Start("/bin/true", []));
        await over.Exited.WaitAsync(Household.Long, TestContext.Current.CancellationToken);
        await Household.Until(() => house.State.Records().Any(r => r.Record.Children.Count == 1), "it is written down");
        var record = house.State.Records().Single().Record;
        house.State.Write(record with { Mark = "gone", Owner = new ProcessIdentity(int.MaxValue, 1), Children = [.. record.Children, new ChildRecord(new ProcessIdentity(int.MaxValue - 1, 1), "ended", "ended.log")] });
        house.State.Write(new KeptChild("kept", Household.Table.Epoch, record.Children[0].Leader, DateTimeOffset.UnixEpoch, "kept", "kept.log", ""));

        Assert.Equal(("test", "kept"), Names(LeftBehind.Look(new ProcessesOptions { StateDirectory = house.Folder })));
        Assert.True(Household.Lives(alive.Pid));
    }

    [Fact]
    public void OpenFileLimit_IsThatOfTheSystem()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Elsewhere there is no file to compare it with.");
        var words = File.ReadLines("/proc/self/limits").Single(l => l.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(words[4] == "unlimited" ? null : long.Parse(words[4], System.Globalization.CultureInfo.InvariantCulture), OpenFileLimit.Read());
    }

    [Theory]
    [InlineData("echo out; echo err >&2; exit 3", 3, "out\nerr")]
    [InlineData("cat", 0, "")] // there is nothing to read
    public async Task ShortProgram_SaysHowItEndedAndWhatItWrote(string script, int code, string output) =>
        Assert.Equal((code, output), await ShortProgram.RunAsync(["/bin/sh", "-c", script], TimeProvider.System, TestContext.Current.CancellationToken));

    [Fact]
    public async Task ShortProgram_ThatIsNotThere_SaysSo()
    {
        var (code, output) = await ShortProgram.RunAsync(["/nowhere/program"], TimeProvider.System, TestContext.Current.CancellationToken);

        Assert.Null(code);
        Assert.StartsWith("/nowhere/program could not be started", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ShortProgram_ThatDoesNotEnd_IsEndedAfterAMinute()
    {
        var time = new ManualTimeProvider();
        var running = ShortProgram.RunAsync(["/bin/sleep", "1000"], time, TestContext.Current.CancellationToken);
        time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal((null, "/bin/sleep did not end within a minute"), await running);
    }

    private static (string, string) Names(LeftBehind left) => (string.Join(' ', left.Strays), string.Join(' ', left.Kept));
}
