#pragma warning disable CA1416 // There is no Windows here.
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using MlxGateway.Commands.Checking;
using MlxGateway.Supervision.Models;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Commands;

/// <summary>The doctor, before machines on which something is wrong: real programs, a real disk that is full, a real limit.</summary>
public sealed class DoctorTests : IDisposable
{
    private const string NoEngines = "\"llama_server\":{\"Executable\":\"/nowhere/llama-server\"}," + Gateway.NoPythons;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlxgateway-doctor-");

    [Fact]
    public async Task NoPython_IsSaidWithTheCommandThatInstallsOne()
    {
        Assert.SkipWhen(File.Exists("/usr/local/bin/python3") || File.Exists("/opt/homebrew/bin/python3"), "This machine has a Python where it is found without a PATH.");

        var findings = await FindingsAsync("\"llama_server\":{\"Executable\":\"/nowhere/llama-server\"}", new() { ["PATH"] = _folder.FullName, ["PYENV_ROOT"] = _folder.FullName, ["VIRTUAL_ENV"] = "", ["CONDA_PREFIX"] = "", ["HOMEBREW_PREFIX"] = "", ["UV_TOOL_DIR"] = _folder.FullName, ["PIPX_HOME"] = _folder.FullName, ["XDG_DATA_HOME"] = _folder.FullName });

        var python = Assert.Single(findings, f => f.Area == "Python");
        Assert.Equal("There is no Python here, which the engines of MLX and MLC need.", python.Message);
        Assert.Matches("install python", python.Fix);
        Assert.Contains(findings, f => f.Verdict == "problem" && f.Message.StartsWith("There is no usable engine", StringComparison.Ordinal) && f.Fix is not null);
    }

    [Fact]
    public async Task PythonWithoutTheModule_IsPassedOverWithTheReason()
    {
        var python = Python("-S");

        var findings = await FindingsAsync($$"""{{NoLlama}},"mlx_lm":{"Python":"{{python}}"},"mlx_vlm":{"Python":"{{python}}"},"mlc_llm":{"Python":"{{python}}"}""");

        var engine = Assert.Single(findings, f => f.Message == "mlx_lm was not found");
        Assert.Equal(("warning", $"passed over {python}: has no mlx_lm"), (engine.Verdict, Assert.Single(engine.Notes)));
        Assert.Matches(@"install '?mlx-lm(\[\w+\]')?$", engine.Fix);
        var other = Assert.Single(findings, f => f.Message == "mlc_llm was not found");
        Assert.Equal(("warning", $"passed over {python}: has no mlc_llm"), (other.Verdict, Assert.Single(other.Notes)));
        Assert.Matches(@"https://mlc\.ai/wheels.* mlc-llm-nightly-(\w+) .*mlc-ai-nightly-\1$", other.Fix);
        Assert.DoesNotContain(findings, f => f.Area == "Python");
    }

    [Fact]
    public async Task BrokenModule_IsInstalledOnceMoreInThatVeryPython()
    {
        var module = _folder.CreateSubdirectory("broken").CreateSubdirectory("mlx_lm");
        await File.WriteAllTextAsync(Path.Combine(module.FullName, "__init__.py"), "raise ImportError('libmlx.so: cannot open shared object file')\n", TestContext.Current.CancellationToken);
        var python = Python("-S", module.Parent!.FullName);

        var findings = await FindingsAsync($$"""{{NoLlama}},"mlx_lm":{"Python":"{{python}}"},"mlx_vlm":{"Python":"{{python}}"},"mlc_llm":{"Python":"{{python}}"}""");

        var engine = Assert.Single(findings, f => f.Message.StartsWith("mlx_lm", StringComparison.Ordinal));
        Assert.Equal($"mlx_lm is installed in {python}, but cannot be imported: ImportError: libmlx.so: cannot open shared object file", engine.Message);
        Assert.Matches($@"^{Regex.Escape(python)} -m pip install --force-reinstall '?mlx-lm(\[\w+\]')?$", engine.Fix);
    }

    [Fact]
    public async Task RealEngine_IsNamedWithItsVersionAndPlace()
    {
        var engine = Environment.GetEnvironmentVariable("MLXGATEWAY_TEST_LLAMA_SERVER");
        Assert.SkipWhen(engine is null, "MLXGATEWAY_TEST_LLAMA_SERVER names no llama-server.");

        var findings = await FindingsAsync($$"""{{Gateway.NoPythons}},"llama_server":{"Executable":"{{engine}}"}""");

        Assert.Contains(findings, f => f.Verdict == "ok" && f.Message.StartsWith("llama_server ", StringComparison.Ordinal) && f.Message.EndsWith($"({engine})", StringComparison.Ordinal));
        Assert.DoesNotContain(findings, f => f.Message.StartsWith("There is no usable engine", StringComparison.Ordinal));
    }

    [Fact]
    public async Task FullDisk_IsAProblemAndTheRestIsLookedAtAllTheSame()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "A disk of any size is mounted on Linux only.");
        var disk = _folder.CreateSubdirectory("disk");
        var config = await ConfigureAsync(NoEngines);
        var script = $"mount -t tmpfs -o size=64k tmpfs '{disk.FullName}' || exit 99; dd if=/dev/zero of='{disk.FullName}/filler' bs=1k count=64 2>/dev/null; exec '{Cli.Program}' doctor --json --port 0 --config '{config}'";

        var told = await Cli.ProcessAsync(["-rm", "sh", "-c", script], new Dictionary<string, string> { ["XDG_STATE_HOME"] = disk.FullName }, program: "unshare");

        Assert.SkipWhen(told.ExitCode is 99 || told.Error.Contains("unshare", StringComparison.Ordinal), $"Nothing can be mounted here: {told.Error}");
        Assert.Equal(1, told.ExitCode);
        var findings = Read(told.Out);
        var problem = Assert.Single(findings, f => f.Area == "Disk" && f.Verdict == "problem");
        Assert.Contains("No space left on device", problem.Message, StringComparison.Ordinal);
        Assert.StartsWith("df -h ", problem.Fix, StringComparison.Ordinal);
        Assert.All(findings, f => Assert.True(f.Verdict != "problem" || f.Fix is not null, f.Message));
        Assert.Contains(findings, f => f.Area == "Memory");
        Assert.Empty(told.Error);
    }

    [Fact]
    public async Task TakenPort_NamesTheHolderAndAFreeOne()
    {
        using var holder = new TcpListener(IPAddress.Loopback, 0);
        holder.Start();
        var port = ((IPEndPoint)holder.LocalEndpoint).Port;

        var findings = await FindingsAsync(NoEngines, args: ["--port", $"{port}"]);

        var problem = Assert.Single(findings, f => f.Area == "Port");
        Assert.Equal("problem", problem.Verdict);
        Assert.Contains($"127.0.0.1:{port} is taken by ", problem.Message, StringComparison.Ordinal);
        Assert.Contains($"(process {Environment.ProcessId})", problem.Message, StringComparison.Ordinal);
        Assert.Matches(@"^MlxGateway serve --port \d+$", problem.Fix);
    }

    [Theory]
    [InlineData("")]
    [InlineData(",\"Access\":{\"Keys\":{\"anna\":{\"Hash\":\"sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae\"}}}")]
    public async Task PortOfAGateway_IsNoProblemAlsoWhereItWantsAKey(string keys)
    {
        await using var gateway = await Gateway.StartAsync("\"a\":{\"Runner\":\"demo\"}", keys.TrimStart(','));

        var findings = await FindingsAsync(NoEngines, args: ["--port", $"{gateway.Address.Port}"]);

        Assert.Equal("ok", Assert.Single(findings, f => f.Area == "Port").Verdict);
        Assert.Contains($"(process {gateway.Pid})", Assert.Single(findings, f => f.Area == "Port").Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LimitOf1024Files_IsAProblemWithTheFix()
    {
        var config = await ConfigureAsync(NoEngines);

        var told = await Cli.ProcessAsync(["-c", $"ulimit -n 1024; exec '{Cli.Program}' doctor --json --port 0 --config '{config}'"], program: "/bin/sh");

        var problem = Assert.Single(Read(told.Out), f => f.Area == "Open files");
        Assert.Equal(("problem", "Only 1,024 may be open at once, and every connection is one: many clients at a time are refused."), (problem.Verdict, problem.Message));
        Assert.Contains("65536", problem.Fix, StringComparison.Ordinal);
        Assert.Equal(1, told.ExitCode);
    }

    [Fact]
    public async Task Mistakes_OfTheConfigurationAreAllNamedAndTheFileToo()
    {
        var file = Path.Combine(_folder.FullName, "wrong.json");
        await File.WriteAllTextAsync(file, """{"MlxGateway":{"Memory":{"Reserv":"1GB"},"Residency":{"MaxResident":-1},"Engines":{"llama_server":{"Executable":"/nowhere/x"}}}}""", TestContext.Current.CancellationToken);

        var told = await Cli.ProcessAsync(["doctor", "--json", "--config", file], new Dictionary<string, string> { ["PATH"] = "/nowhere" });
        var check = await Cli.ProcessAsync(["config", "check", "--config", file]);

        var findings = Read(told.Out).Where(f => f.Area == "Configuration").ToList();
        Assert.Equal(1, told.ExitCode);
        Assert.Equal(2, findings.Count);
        Assert.All(findings, f => Assert.EndsWith(file, f.Fix, StringComparison.Ordinal));
        Assert.Single((await Cli.ProcessAsync(["doctor", "--config", file], new Dictionary<string, string> { ["PATH"] = "/nowhere" })).Out.Split('\n'), line => line.EndsWith(file, StringComparison.Ordinal)); // once for both
        Assert.Equal(78, check.ExitCode);
        Assert.Empty(check.Out);
        Assert.Contains("did you mean", check.Error, StringComparison.Ordinal);
        Assert.Contains("The configuration has 2 mistakes.", check.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConfigCheck_FindsMistakesOfModelsTooAndSaysWhatIsInOrder()
    {
        var wrong = await ConfigureAsync(NoEngines, "\"DefaultModel\":\"nobody\",\"Models\":{\"a\":{\"Runner\":\"command\"}}");
        var told = await Cli.ProcessAsync(["config", "check", "--config", wrong]);
        Assert.Equal(78, told.ExitCode);
        Assert.Contains("Models:a:Command", told.Error, StringComparison.Ordinal);
        Assert.Contains("nobody", told.Error, StringComparison.Ordinal);

        var right = await ConfigureAsync(NoEngines, "\"DefaultModel\":\"a\",\"Models\":{\"a\":{\"Runner\":\"demo\"}}");
        told = await Cli.ProcessAsync(["config", "check", "--config", right, "--port", "4321", "--json"]);
        Assert.Equal(0, told.ExitCode);
        Assert.Equal("""["127.0.0.1:4321"]""", JsonDocument.Parse(told.Out).RootElement.GetProperty("listens").GetRawText());
    }

    [Theory]
    [InlineData(null, 500, "ok")]
    [InlineData(null, 0.5, "warning")]
    [InlineData(null, 0.01, "problem")]
    [InlineData("Permission denied", 500, "problem")]
    public async Task StateFolder_IsJudgedByWhatItCanTake(string? why, double free, string verdict)
    {
        var findings = await new DiskCheck(new FakeDisk(why, ByteSize.FromGigabytes(free)), "/state folder", "/models").LookAsync(CancellationToken.None);

        Assert.Equal(verdict, findings[0].Verdict.ToString().ToLowerInvariant());
        Assert.Equal(free < 10 ? Verdict.Warning : Verdict.Ok, findings[1].Verdict);
        Assert.Equal(verdict != "ok", findings[0].Fix is not null);
        Assert.Equal(verdict != "ok", findings[0].Fix?.Contains("'/state folder'", StringComparison.Ordinal) ?? false);
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);

    private const string NoLlama = "\"llama_server\":{\"Executable\":\"/nowhere/llama-server\"}";

    private static List<Seen> Read(string json) =>
        [.. JsonDocument.Parse(json).RootElement.GetProperty("findings").EnumerateArray().Select(f => new Seen(
            f.GetProperty("area").GetString()!,
            f.GetProperty("verdict").GetString()!,
            f.GetProperty("message").GetString()!,
            f.GetProperty("fix").GetString(),
            [.. f.GetProperty("notes").EnumerateArray().Select(n => n.GetString()!)]))];

    private async Task<List<Seen>> FindingsAsync(string engines, Dictionary<string, string>? variables = null, string[]? args = null)
    {
        var told = await Cli.ProcessAsync(["doctor", "--json", "--config", await ConfigureAsync(engines), .. args ?? ["--port", "0"]], variables);
        Assert.Empty(told.Error);
        return Read(told.Out);
    }

    private async Task<string> ConfigureAsync(string engines, string rest = "\"Models\":{}")
    {
        var file = Path.Combine(_folder.FullName, $"{Guid.NewGuid():N}.json");
        await File.WriteAllTextAsync(file, $$$"""{"MlxGateway":{"Discovery":{"HuggingFaceCache":false,"LmStudio":false,"Ollama":false},"Engines":{ {{{engines}}} },{{{rest}}} } }""", TestContext.Current.CancellationToken);
        return file;
    }

    // A real Python that sees nothing but what it comes with, and this folder.
    private string Python(string switches, string? folder = null)
    {
        var real = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(p => Path.Combine(p, "python3")).FirstOrDefault(File.Exists);
        Assert.SkipWhen(real is null, "There is no python3 here.");
        var path = Path.Combine(_folder.FullName, "python3");
        Scripts.Write(path, $"#!/bin/sh\nPYTHONPATH='{folder}' exec '{real}' {switches} \"$@\"\n");
        return path;
    }

    private sealed record Seen(string Area, string Verdict, string Message, string? Fix, IReadOnlyList<string> Notes);

    private sealed class FakeDisk(string? why, ByteSize free) : IDiskPlace
    {
        public ByteSize Free(string folder) => free;

        public string? WhyNotWritable(string folder) => why;
    }
}
