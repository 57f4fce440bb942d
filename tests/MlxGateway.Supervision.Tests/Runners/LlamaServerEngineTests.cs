using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Runners.Engines;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

/// <summary>Changes the variables of the whole process, so it runs by itself.</summary>
[Collection(nameof(TheProcess))]
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class LlamaServerEngineTests : IAsyncDisposable
{
    private readonly Nursery _nursery = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly string? _path = Environment.GetEnvironmentVariable("PATH");

    [Fact]
    public async Task Find_GoodProgram_GivesItsVersion()
    {
        var path = _nursery.Script("llama-server", "echo ggml: loading; echo 'version: 6527 (7f766929c)  ' >&2; echo built with cc");
        var report = await Engine(path).FindAsync(Nursery.Patience());

        Assert.Equal((path, "6527 (7f766929c)"), (report.Path, report.Version));
        Assert.Empty(report.PassedOver);
    }

    [Theory]
    [InlineData("echo usage: nothing; exit 2", "--version ended with exit code 2 and said nothing of a version but: usage: nothing")]
    [InlineData("exit 0", "--version ended with exit code 0 and said nothing of a version")]
    [InlineData("kill -9 $$", "--version ended with signal 9 (SIGKILL) and said nothing of a version")]
    public async Task Find_ProgramWithoutAVersion_IsPassedOverWithTheReason(string script, string why)
    {
        var path = _nursery.Script("llama-server", script);
        var report = await Engine(path).FindAsync(Nursery.Patience());

        Assert.False(report.IsFound);
        Assert.Equal([$"{path}: {why}"], report.PassedOver);
    }

    [Fact]
    public async Task Find_ProgramThatHangs_IsPassedOverAndEnded()
    {
        var path = _nursery.Script("llama-server", "echo waiting; exec sleep 600");
        var finding = Engine(path).FindAsync(Nursery.Patience());
        await _clock.TimerWithinAsync(TimeSpan.FromSeconds(5), Nursery.Patience());
        _clock.Advance(TimeSpan.FromSeconds(5));
        var report = await finding;

        Assert.Equal([$"{path}: --version did not end within 5 s"], report.PassedOver);
    }

    [Fact]
    public async Task Find_FileThatMayNotBeExecuted_IsPassedOver()
    {
        var path = _nursery.Script("llama-server", "echo version: 1", executable: false);

        Assert.Equal([$"{path}: \"{path}\" is not executable."], (await Engine(path).FindAsync(Nursery.Patience())).PassedOver);
    }

    [Fact]
    public async Task Find_ConfiguredFileThatIsNotThere_TakesNoOtherInItsPlace()
    {
        _nursery.Script("llama-server", "echo version: 1");
        Environment.SetEnvironmentVariable("PATH", _nursery.Folder + ":" + _path);
        var report = await Engine(_nursery.In("missing")).FindAsync(Nursery.Patience());

        Assert.False(report.IsFound);
        Assert.Equal([$"{_nursery.In("missing")}: does not exist"], report.PassedOver);
    }

    [Fact]
    public async Task Find_SeveralOnThePath_TakesTheFirstThatWorks()
    {
        Directory.CreateDirectory(_nursery.In("a"));
        Directory.CreateDirectory(_nursery.In("b"));
        Directory.CreateDirectory(_nursery.In("c"));
        var broken = _nursery.Script("a/llama-server", "exit 1");
        var forbidden = _nursery.Script("b/llama-server", "echo version: 1", executable: false);
        var good = _nursery.Script("c/llama-server", "echo version: 2");
        Environment.SetEnvironmentVariable("PATH", string.Join(':', _nursery.In("a"), _nursery.In("b"), _nursery.In("c"), _path));
        var report = await Engine(null).FindAsync(Nursery.Patience());

        Assert.Equal((good, "2"), (report.Path, report.Version));
        Assert.Equal([broken, forbidden], report.PassedOver.Select(p => p.Split(": ")[0]));
    }

    [Fact]
    public async Task Find_Again_AsksOnlyAfterAChange()
    {
        string Counting(string version) => $"echo x >> {_nursery.In("asked")}; echo version: {version}";
        var path = _nursery.Script("llama-server", Counting("1"));
        var engine = Engine(path);
        await engine.FindAsync(Nursery.Patience());
        await engine.FindAsync(Nursery.Patience());

        Assert.Single(await File.ReadAllLinesAsync(_nursery.In("asked"), Nursery.Patience()));

        _nursery.Script("llama-server", Counting("2"));
        File.SetLastWriteTimeUtc(path, new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc));

        Assert.Equal("2", (await engine.FindAsync(Nursery.Patience())).Version);

        File.Delete(path);

        Assert.False((await engine.FindAsync(Nursery.Patience())).IsFound);
    }

    [Fact]
    public async Task Require_NothingUsable_SaysWhatWasTriedAndHowToInstall()
    {
        var path = _nursery.Script("llama-server", "exit 1");
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(async () => await Engine(path).RequireAsync(Nursery.Patience()));

        Assert.StartsWith($"No usable llama-server was found ({path}: --version ended with exit code 1", failed.Message, StringComparison.Ordinal);
        Assert.Contains("Install it with: ", failed.Message, StringComparison.Ordinal);
    }

    public ValueTask DisposeAsync()
    {
        Environment.SetEnvironmentVariable("PATH", _path);
        return _nursery.DisposeAsync();
    }

    private LlamaServerEngine Engine(string? configured) => new(new EngineOptions { LlamaServer = { Executable = configured } }, new EngineProbe(_nursery.Children, _clock));
}
