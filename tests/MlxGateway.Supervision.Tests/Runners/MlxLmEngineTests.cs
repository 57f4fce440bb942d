using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Runners.Engines;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

/// <summary>Changes the variables of the whole process, so it runs by itself. The Pythons are shell scripts that say what the probe would.</summary>
[Collection(nameof(TheProcess))]
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class MlxLmEngineTests : IAsyncDisposable
{
    private static readonly string[] Touched = ["PATH", "HOME", "VIRTUAL_ENV", "CONDA_PREFIX", "UV_TOOL_DIR", "XDG_DATA_HOME", "PIPX_HOME", "PYENV_ROOT", "HOMEBREW_PREFIX"];

    private readonly Nursery _nursery = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly Dictionary<string, string?> _before = Touched.ToDictionary(name => name, Environment.GetEnvironmentVariable);

    [Fact]
    public async Task Find_PythonWithTheModule_GivesItsVersions()
    {
        var python = Python("python3", Has("0.31.3", device: """{"name":"Apple M9","recommended_working_set":77309411328,"memory":103079215104}"""));
        var report = await Engine(python).FindAsync(Nursery.Patience());

        Assert.Equal(("mlx_lm", python, "0.31.3, mlx 0.32.4 on Apple M9 with 72.00 GB for models"), (report.Engine, report.Path, report.Version));
        Assert.Empty(report.PassedOver);
        Assert.Empty(Directory.EnumerateFiles(_nursery.In("state"), "*python-probe*", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("""echo 'mlxgateway {"modules":{"mlx":null,"mlx_lm":null}}'""", "has no mlx_lm")]
    [InlineData("""echo noise; echo 'mlxgateway {"modules":{"mlx_lm":{"failure":"ImportError: libmlx.so: not found"}}}'; echo noise""", "import of mlx_lm failed: ImportError: libmlx.so: not found")]
    [InlineData("echo 'SyntaxError: invalid syntax' >&2; exit 1", "it ended with exit code 1 and did not say what it has but: SyntaxError: invalid syntax")]
    [InlineData("kill -6 $$", "it ended with signal 6 (SIGABRT) and did not say what it has")]
    [InlineData("echo 'mlxgateway {'", "it ended with exit code 0 and did not say what it has but: mlxgateway {")]
    public async Task Find_UnusablePython_IsPassedOverWithTheReason(string script, string why)
    {
        var python = Python("python3", script);
        var report = await Engine(python).FindAsync(Nursery.Patience());

        Assert.False(report.IsFound);
        Assert.Equal([$"{python}: {why}"], report.PassedOver);
    }

    [Fact]
    public async Task Find_PythonThatHasTheOtherModuleToo_GivesEachEngineItsOwnVersion()
    {
        var python = Python("python3", """echo 'mlxgateway {"modules":{"mlx":{"version":"0.32.4"},"mlx_lm":{"version":"0.31.3"},"mlx_vlm":{"version":"0.7.10"}}}'""");
        var report = await new MlxVlmEngine(new EngineOptions { MlxLm = { Python = "/nowhere" }, MlxVlm = { Python = python } }, Search()).FindAsync(Nursery.Patience());

        Assert.Equal(("mlx_vlm", python, "0.7.10, mlx 0.32.4"), (report.Engine, report.Path, report.Version));
    }

    [Fact]
    public async Task MlxVlm_NotThere_NamesItsOwnPackage()
    {
        var python = Python("python3", Lacks);
        _nursery.Script("uv", "exit 0");
        Environment.SetEnvironmentVariable("PATH", _nursery.Folder + ":" + _before["PATH"]);
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(async () => await new MlxVlmEngine(new EngineOptions { MlxVlm = { Python = python } }, Search()).RequireReportAsync(Nursery.Patience()));

        Assert.Equal($"No usable Python with mlx_vlm was found ({python}: has no mlx_vlm). Install it with: {Install("mlx_vlm")}", failed.Message);
    }

    [Fact]
    public async Task Find_PythonThatHangs_IsPassedOverAndEndedAndAskedAgainNextTime()
    {
        var python = Python("python3", "exec sleep 600");
        var finding = Engine(python).FindAsync(Nursery.Patience());
        await _clock.TimerWithinAsync(TimeSpan.FromSeconds(10), Nursery.Patience());
        _clock.Advance(TimeSpan.FromSeconds(10));

        Assert.Equal([$"{python}: its imports did not end within 10 s"], (await finding).PassedOver);
    }

    [Fact]
    public async Task Find_FileThatMayNotBeExecuted_IsPassedOver()
    {
        var python = _nursery.Script("python3", "exit 0", executable: false);

        Assert.Equal([$"{python}: \"{python}\" is not executable."], (await Engine(python).FindAsync(Nursery.Patience())).PassedOver);
    }

    [Fact]
    public async Task Find_ConfiguredPythonThatIsNotThere_TakesNoOtherInItsPlace()
    {
        Python("python3", Has("1"));
        Environment.SetEnvironmentVariable("PATH", _nursery.Folder + ":" + _before["PATH"]);

        Assert.Equal([$"{_nursery.In("missing")}: does not exist"], (await Engine(_nursery.In("missing")).FindAsync(Nursery.Patience())).PassedOver);
        Assert.Equal([$"{_nursery.Folder}: is a folder, not a Python"], (await Engine(_nursery.Folder).FindAsync(Nursery.Patience())).PassedOver);
    }

    [Fact]
    public async Task Find_SeveralPythons_TakesTheFirstThatCanAndSaysWhyNotTheOthers()
    {
        var none = Python("a/bin/python3", Lacks);
        var broken = Python("b/python3", "exit 3");
        var good = Python("c/python", Has("0.32.2"));
        Python("d/python3", Has("0.1"));
        Environment.SetEnvironmentVariable("VIRTUAL_ENV", _nursery.In("a"));
        Environment.SetEnvironmentVariable("PATH", string.Join(':', _nursery.In("b"), _nursery.In("c"), _nursery.In("d"), _before["PATH"]));
        var report = await Engine(null).FindAsync(Nursery.Patience());

        Assert.Equal((good, "0.32.2, mlx 0.32.4"), (report.Path, report.Version));
        Assert.Equal([$"{none}: has no mlx_lm", $"{broken}: it ended with exit code 3 and did not say what it has"], report.PassedOver);
    }

    [Fact]
    public async Task Find_ManyPythons_AsksFourAtATime()
    {
        Directory.CreateDirectory(_nursery.In("active"));
        var names = Enumerable.Range(0, 9).Select(i => $"p{i}").ToList();
        foreach (var name in names)
        {
            Python($"{name}/python3", $"cd '{_nursery.In("active")}'; mkdir $$; ls | wc -l >> ../counts; echo x >> ../started; while [ ! -e ../go ]; do sleep 0.02; done; rmdir $$; {Lacks}");
        }

        Python("last/python3", Has("1"));
        Environment.SetEnvironmentVariable("PATH", string.Join(':', names.Append("last").Select(_nursery.In).Append(_before["PATH"])));
        var finding = Engine(null).FindAsync(Nursery.Patience());
        while (!File.Exists(_nursery.In("started")) || (await File.ReadAllLinesAsync(_nursery.In("started"), Nursery.Patience())).Length < 4)
        {
            await Task.Delay(10, Nursery.Patience());
        }

        await File.WriteAllTextAsync(_nursery.In("go"), "", Nursery.Patience());

        Assert.Equal(9, (await finding).PassedOver.Count);
        Assert.Equal(4, (await File.ReadAllLinesAsync(_nursery.In("counts"), Nursery.Patience())).Max(l => int.Parse(l.Trim(), System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task Find_Again_AsksOnlyAfterAChangeOfThePythonOrItsPackages()
    {
        Directory.CreateDirectory(_nursery.In("site-packages"));
        Directory.CreateDirectory(_nursery.In("mlx_lm-1.dist-info"));
        var python = Python("python3", Counting("1"));
        var search = Search();
        var engine = new MlxLmEngine(new EngineOptions { MlxLm = { Python = python } }, search);
        await engine.FindAsync(Nursery.Patience());
        await engine.FindAsync(Nursery.Patience());
        await new MlxVlmEngine(new EngineOptions { MlxVlm = { Python = python } }, search).FindAsync(Nursery.Patience());

        Assert.Equal(1, Asked()); // also for the other engine

        Directory.SetLastWriteTimeUtc(_nursery.In("site-packages"), new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        await engine.FindAsync(Nursery.Patience());
        Assert.Equal(2, Asked());

        Directory.Delete(_nursery.In("mlx_lm-1.dist-info"));
        await engine.FindAsync(Nursery.Patience());
        Assert.Equal(3, Asked());

        Python("python3", Counting("2"));
        File.SetLastWriteTimeUtc(python, new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        Assert.StartsWith("2, ", (await engine.FindAsync(Nursery.Patience())).Version, StringComparison.Ordinal);
        Assert.Equal(4, Asked());
    }

    [Fact]
    public void Places_AreWherePeopleHaveTheirPythons()
    {
        Environment.SetEnvironmentVariable("HOME", _nursery.In("home"));
        foreach (var name in Touched.Except(["PATH", "HOME"]))
        {
            Environment.SetEnvironmentVariable(name, null);
        }

        string[] expected =
        [
            "venv/bin/python", "conda/bin/python3", "on path/python3", "of script/python3.12", "of long script/python3",
            "home/.local/share/uv/tools/mlx-lm/bin/python3", "home/.local/share/uv/tools/black/bin/python3", "home/.local/share/pipx/venvs/mlx-lm/bin/python3", "home/.local/pipx/venvs/mlx-lm/bin/python3",
            "brew/bin/python3", "home/miniforge3/bin/python3", "home/miniforge3/envs/ml/bin/python3", "home/anaconda3/bin/python3", "home/.pyenv/versions/3.12.1/bin/python3",
        ];
        foreach (var python in expected)
        {
            Python(python, "exit 0");
        }

        Python("on path/python", "exit 0"); // the same environment once more
        WriteScript("on path/mlx_lm.server", $"#!{_nursery.In("of script")}/python3.12\nimport sys");
        WriteScript("other/mlx_lm.server", $"#!/bin/sh\n'''exec' \"{_nursery.In("of long script/python3")}\" \"$0\" \"$@\"\n' '''\nimport sys");
        Environment.SetEnvironmentVariable("VIRTUAL_ENV", _nursery.In("venv"));
        Environment.SetEnvironmentVariable("CONDA_PREFIX", _nursery.In("conda"));
        Environment.SetEnvironmentVariable("HOMEBREW_PREFIX", _nursery.In("brew"));
        Environment.SetEnvironmentVariable("PATH", string.Join(':', _nursery.In("on path"), _nursery.In("other"), "relative"));

        Assert.Equal(expected.Select(_nursery.In), PythonPlaces.For("mlx_lm.server").Where(p => p.StartsWith(_nursery.Folder, StringComparison.Ordinal)));

        Python("tools/x/bin/python3", "exit 0");
        Environment.SetEnvironmentVariable("UV_TOOL_DIR", _nursery.In("tools"));
        Assert.Contains(_nursery.In("tools/x/bin/python3"), PythonPlaces.For("mlx_lm.server"));
        Assert.DoesNotContain(_nursery.In("home/.local/share/uv/tools/black/bin/python3"), PythonPlaces.For("mlx_lm.server"));
    }

    [Theory]
    [InlineData("#!/usr/bin/env python3\n")]
    [InlineData("#!/bin/sh\necho hello")]
    [InlineData("")]
    public void Places_ScriptThatNamesNoInterpreter_IsNoPlace(string text)
    {
        WriteScript("script", text);

        Assert.Null(PythonPlaces.InterpreterOf(_nursery.In("script")));
    }

    [Fact]
    public async Task Require_NothingUsable_SaysWhatWasTriedAndHowToInstall()
    {
        var python = Python("python3", Lacks);
        _nursery.Script("uv", "exit 0");
        Environment.SetEnvironmentVariable("PATH", _nursery.Folder + ":" + _before["PATH"]);
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(async () => await Engine(python).RequireAsync(Nursery.Patience()));

        Assert.Equal($"No usable Python with mlx_lm was found ({python}: has no mlx_lm). Install it with: {Install("mlx_lm")}", failed.Message);
    }

    // On this machine, where there is uv.
    private static string Install(string engine) => EngineInstall.Of(engine, InstallMachine.Here() with { Installers = new HashSet<string> { "uv" } }).Command;

    public ValueTask DisposeAsync()
    {
        foreach (var (name, value) in _before)
        {
            Environment.SetEnvironmentVariable(name, value);
        }

        return _nursery.DisposeAsync();
    }

    private const string Lacks = """echo 'mlxgateway {"modules":{"mlx":null,"mlx_lm":null,"mlx_vlm":null}}'""";

    private static string Has(string version, string device = "{}", string stamps = "[]") =>
        $$"""echo 'mlxgateway {"modules":{"mlx":{"version":"0.32.4"},"mlx_lm":{"version":"{{version}}"},"mlx_vlm":null},"device":{{device}},"stamps":{{stamps}}}'""";

    private string Counting(string version) =>
        $"echo x >> {_nursery.In("asked")}; " + Has(version, stamps: $"""["{_nursery.In("site-packages")}","{_nursery.In("mlx_lm-1.dist-info")}"]""");

    private int Asked() => File.ReadAllLines(_nursery.In("asked")).Length;

    private string Python(string name, string script)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_nursery.In(name))!);
        return _nursery.Script(name, script);
    }

    private void WriteScript(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_nursery.In(name))!);
        File.WriteAllText(_nursery.In(name), text);
    }

    private PythonSearch Search() => new(new PythonProbes(new EngineProbe(_nursery.Children, _clock)));

    private MlxLmEngine Engine(string? configured) => new(new EngineOptions { MlxLm = { Python = configured } }, Search());
}
