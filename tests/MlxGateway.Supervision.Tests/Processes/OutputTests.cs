using System.Text;
using MlxGateway.Supervision.Processes;
using Xunit;

namespace MlxGateway.Supervision.Tests.Processes;

/// <summary>What is kept of what a child writes.</summary>
public sealed class OutputTests
{
    [Fact]
    public async Task Output_AtTheExit_IsComplete()
    {
        await using var house = new Household();

        var lines = await Household.OutputOf(house.Shell("echo out; echo err >&2; printf 'no end'"));

        Assert.Equal(["out", "err", "no end"], lines);
    }

    [Fact]
    public async Task Output_OfAFlood_IsBoundedInMemoryAndOnDisk()
    {
        var limits = new LogLimits(Largest: 256 * 1024, LongestRead: 64 * 1024);
        await using var house = new Household(limits);

        // In waves of 16 MB, each as fast as it can and the next when that was cut off: how much a flood may write between two looks at it is a matter of the machine, and no bound could be set to it.
        var child = house.Python("""
            import os, time
            lines = b'a line that is repeated very often\n' * 3000
            for wave in range(6):
                for _ in range(160): os.write(2, lines)
                while os.fstat(2).st_size > 1 << 20: time.sleep(0.01)
            os.write(1, b'\nthe last line\n')
            """);

        var largest = 0L;
        await Household.Until(
            () =>
            {
                largest = Math.Max(largest, Size(child.Output.LogFilePath) + Size(child.Output.LogFilePath + ".1"));
                return child.Exited.IsCompleted;
            },
            "the flood is over");

        var lines = child.Output.Lines();
        Assert.Equal("the last line", lines[^1]);
        Assert.Contains(lines, line => line.Contains("passed over", StringComparison.Ordinal) || line.StartsWith("a line", StringComparison.Ordinal));
        Assert.InRange(lines.Count, 2, 200);
        Assert.InRange(largest, 1, 20L << 20); // one wave, what was left of the one before it, and what is kept
        Assert.InRange(Size(child.Output.LogFilePath), 0, limits.Largest * 2);
        Assert.InRange(Size(child.Output.LogFilePath + ".1"), 1, limits.Largest);
    }

    [Fact]
    public async Task Output_ThatGrowsSlowlyBeyondTheLimit_IsRotatedAndKeepsItsOrder()
    {
        await using var house = new Household(new LogLimits(Largest: 2000, LongestRead: 1 << 20));
        var child = house.Python("import time\nfor i in range(100):\n  print(f'line {i:03} ' + 'x' * 60)\n  time.sleep(0.01)");
        var seen = new List<string>();
        using var follower = child.Output.Follow(seen.Add);

        await Household.OutputOf(child);

        // What is written in the moment of a cut is lost; nothing else is, and nothing comes twice.
        var whole = seen.Where(line => line.Length == "line 000 ".Length + 60).ToList();
        Assert.Equal(whole.Order(StringComparer.Ordinal), whole);
        Assert.Equal(whole.Distinct().Count(), whole.Count);
        Assert.InRange(whole.Count, 90, 100);
        Assert.True(File.Exists(child.Output.LogFilePath + ".1"));
        Assert.InRange(Size(child.Output.LogFilePath), 0, 5000);
    }

    [Fact]
    public async Task Follow_BegunLate_GetsEveryLineOnce()
    {
        await using var house = new Household();
        var go = Path.Combine(house.Folder, "go");
        var child = house.Shell("echo ready now; while [ ! -e \"$1\" ]; do sleep 0.02; done; for i in 1 2 3 4 5; do echo $i; sleep 0.05; done", go);
        await Household.Said(child, "ready");
        var seen = new List<string>();
        var forgotten = new List<string>();
        using var follower = child.Output.Follow(seen.Add);
        child.Output.Follow(forgotten.Add).Dispose();
        await File.WriteAllTextAsync(go, "", TestContext.Current.CancellationToken); // nothing more is said before nobody listens any more

        await Household.OutputOf(child);

        Assert.Equal(["ready now", "1", "2", "3", "4", "5"], seen);
        Assert.Equal(["ready now"], forgotten);
    }

    [Fact]
    public void Splitter_SeesProgressBarsAsTheyAreWritten()
    {
        var (lines, splitter) = Split("Fetching\n\r  0%|   |\r 50%|## |\r100%|###|\nDone\r\nand");

        Assert.Equal(["Fetching", "  0%|   |~", " 50%|## |~", "100%|###|", "Done"], lines);
        Assert.Equal("and", splitter.Unfinished);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(7)]
    public void Splitter_WhateverThePieces_GivesTheSameLines(int size)
    {
        const string text = "one\r\ntwo\rthree\n\n\r\r\nvier äöü 模型\r\nfive";
        var (whole, _) = Split(text);

        var (pieces, splitter) = Split(text, size);

        Assert.Equal(whole, pieces);
        Assert.Equal("five", splitter.Unfinished);
    }

    [Fact]
    public void Splitter_ReplacesWhatIsNoTextAndCutsWhatIsTooLong()
    {
        var lines = new List<string>();
        var splitter = new LineSplitter();
        splitter.Add([(byte)'a', 0xFF, (byte)'b', (byte)'\n'], line => lines.Add(line.Text));
        splitter.Add("\x1b[31mred\x1b[0m\tplain\a\n"u8, line => lines.Add(line.Text));
        splitter.Add(Encoding.UTF8.GetBytes("x" + new string('ä', 100_000) + "\nnext\n"), line => lines.Add(line.Text));

        Assert.Equal(["a\uFFFDb", "red\tplain", "x" + new string('ä', 2047) + "…", "next"], lines);
    }

    [Fact]
    public void LastLines_AreBoundedAndAProgressLineGivesWay()
    {
        var lines = new LastLines(maxLines: 3, maxCharacters: 20);
        foreach (var line in new[] { new OutputLine("first", false), new("1%", true), new("2%", true), new("3%", true) })
        {
            lines.Add(line);
        }

        Assert.Equal(["first", "3%"], lines.With(""));
        Assert.Equal(["first", "4%"], lines.With("4%"));

        lines.Add(new OutputLine("a long line 34567890", false));
        Assert.Equal(["a long line 34567890"], lines.With(""));

        Array.ForEach(["b", "c", "d", "e"], text => lines.Add(new OutputLine(text, false)));
        Assert.Equal(["c", "d", "e"], lines.With(""));
    }

    [Fact]
    public async Task Logs_OfTheRunningAreKeptHoweverOld()
    {
        await using var house = new Household();
        var child = house.Start("/bin/sleep", ["1000"]);
        File.SetLastWriteTimeUtc(child.Output.LogFilePath, DateTime.UnixEpoch);
        var old = house.State.CreateLog("a/b: c", "old");
        File.SetLastWriteTimeUtc(old, DateTime.UnixEpoch);
        var young = house.State.CreateLog("young", "1");

        house.State.DeleteOldLogs(keep: 1);

        Assert.Equal("a-b--c.old.log", Path.GetFileName(old));
        Assert.Equal([child.Output.LogFilePath, young], Directory.GetFiles(house.State.Logs).Order());
    }

    private static (List<string> Lines, LineSplitter Splitter) Split(string text, int size = int.MaxValue)
    {
        var lines = new List<string>();
        var splitter = new LineSplitter();
        foreach (var piece in Encoding.UTF8.GetBytes(text).Chunk(size))
        {
            splitter.Add(piece, line => lines.Add(line.IsProgress ? line.Text + "~" : line.Text));
        }

        return (lines, splitter);
    }

    private static long Size(string path) => File.Exists(path) ? new FileInfo(path).Length : 0;
}
