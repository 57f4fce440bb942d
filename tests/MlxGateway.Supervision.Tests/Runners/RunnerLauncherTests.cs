using System.Diagnostics;
using System.Globalization;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Runners.Kinds;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class RunnerLauncherTests : IAsyncDisposable
{
    private readonly Nursery _nursery = new();

    [Fact]
    public async Task Launch_RunnerThatLoads_IsReadyWhenItAnswers()
    {
        var kind = new TestKind((_, port) => TestKind.Demo(port, "--load-time", "0.3"));
        var runner = await _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience());

        // The first question after the proof is answered, on connections of its own.
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(runner.Address, "/health"));
        using var response = await runner.Connections.SendAsync(request, Nursery.Patience());
        Assert.True(response.IsSuccessStatusCode);
        Assert.Equal(kind.Ports, [runner.Address.Port]);
        Assert.False(runner.Gone.IsCompleted);

        await runner.StopAsync();
        await runner.StopAsync();

        Assert.False(IsAlive(runner.Pid));
        Assert.StartsWith("the process ended with ", (await runner.Gone.WaitAsync(Nursery.Patience())).How, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<Exception>(async () => await runner.Connections.SendAsync(new HttpRequestMessage(HttpMethod.Get, runner.Address), Nursery.Patience()));
    }

    [Fact]
    public async Task Launch_RunnerThatEndsAtOnce_SaysHowAndWhatItSaidLastWithoutSecrets()
    {
        Environment.SetEnvironmentVariable("MLXTEST_LAUNCH_SOURCE", "expanded-value-77");
        var model = Model() with { Env = new ValueMap([new("MY_TOKEN", "written-value-66"), new("OTHER_KEY", "${MLXTEST_LAUNCH_SOURCE}")]) };
        var kind = new TestKind((_, _) => TestKind.Shell("echo first; echo \"weights missing, $MY_TOKEN, $OTHER_KEY, sk-abcdefghijklmnop1234\" >&2; exit 3"));
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => _nursery.Launcher(kind).LaunchAsync(model, LaunchShape.Free, 1, Nursery.Patience()));

        Assert.Equal("The runner of model 'm' ended before it was ready: the process ended with exit code 3. Its last lines: first | weights missing, ***, ***, ***", failed.Message);
        Assert.Single(kind.Ports);
    }

    [Theory]
    [InlineData("""echo Traceback; echo '{"event": "exit", "code": 70, "reason": "cut file, sk-abcdefghijklmnop1234"}'; echo late; exit 70""", "exit code 70: cut file, ***")]
    [InlineData("""echo '{"event": "exit", "code": 70, "rea'; exit 70""", """exit code 70. Its last lines: {"event": "exit", "code": 70, "rea""")]
    public async Task Launch_RunnerThatSaysWhyItEnds_IsQuoted(string script, string message)
    {
        var kind = new TestKind((_, _) => TestKind.Shell(script));
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience()));

        Assert.Equal($"The runner of model 'm' ended before it was ready: the process ended with {message}", failed.Message);
    }

    [Fact]
    public async Task Launch_RunnerThatLivesAndCannotServe_FailsAtOnceAndLeavesNothing()
    {
        var asked = new List<string>();
        var pid = _nursery.In("pid");
        var kind = new TestKind((_, port) => TestKind.Shell($"echo $$ > {pid}; exec '{TestKind.Demo(port).Executable}' --port {port}") with
        {
            ReadyPaths = ["/health"],
            Verdicts = [Verdict("/v1/models", null), Verdict("/nowhere", "it said sk-abcdefghijklmnop1234"), Verdict("/health", "never asked")],
            Advice = said => $"Think about: {said.Length}.",
        });
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience()));

        Assert.Equal("The runner of model 'm' cannot serve it: it said ***. Think about: 31.", failed.Message);
        Assert.Equal(["/v1/models 200", "/nowhere 404"], asked);
        Assert.False(IsAlive(int.Parse(await File.ReadAllTextAsync(pid, Nursery.Patience()), CultureInfo.InvariantCulture)));

        ReadyVerdict Verdict(string path, string? fault) => new(new ReadyProbe(HttpMethod.Get, path), (status, text) =>
        {
            Assert.NotEmpty(text);
            asked.Add($"{path} {status}");
            return fault;
        });
    }

    [Fact]
    public async Task Launch_RunnerThatEndsForWantOfAPackage_SaysHowToInstallIt()
    {
        var kind = new TestKind((_, _) => TestKind.Shell("echo \"ModuleNotFoundError: No module named 'mlx_audio'\"; exit 1") with { Advice = said => MlxVlmWords.Advice(said, "/venv/bin/python") });
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience()));

        Assert.EndsWith("No module named 'mlx_audio' Its Python lacks mlx_audio; install it with: /venv/bin/python -m pip install mlx-audio", failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Note_OfAQuestionInAForm_IsAskedAgainAsItWas()
    {
        var question = SilentForm.Asks("/models/café");
        var plan = TestKind.Shell("") with { Question = question, Verdicts = [new ReadyVerdict(new ReadyProbe(HttpMethod.Get, "/metrics"), (_, _) => null)] };
        var note = RunnerNote.Parse(RunnerNote.Of(Model(), LaunchShape.Free, 1, plan).ToString())!;

        Assert.Equal((question, "/metrics"), (note.Question!.ToProbe(), note.Proof!.Path));
        using var request = note.Question.ToProbe().ToRequest(new Uri("http://127.0.0.1:1"));
        var form = await request.Content!.ReadAsStringAsync(Nursery.Patience());
        Assert.Equal("multipart/form-data; boundary=mlxgateway-silence", request.Content.Headers.ContentType!.ToString());
        Assert.Contains("\r\n\r\n/models/café\r\n--mlxgateway-silence\r\n", form, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Launch_SilentRunnerThatEnds_SaysThatItSaidNothing()
    {
        var kind = new TestKind((_, _) => TestKind.Shell("exit 0"));
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience()));

        Assert.EndsWith("the process ended with exit code 0. It wrote nothing.", failed.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--never-ready")]
    [InlineData("--hang-accept")]
    [InlineData("--ignore-sigterm")]
    public async Task Launch_NeverReadyAndCancelled_LeavesNothing(string fault)
    {
        var kind = new TestKind((_, port) => fault == "--ignore-sigterm"
            ? TestKind.Shell($"trap '' TERM; echo $$ > {_nursery.In("pid")}.new; mv {_nursery.In("pid")}.new {_nursery.In("pid")}; while :; do sleep 1; done")
            : TestKind.Shell($"echo $$ > {_nursery.In("pid")}.new; mv {_nursery.In("pid")}.new {_nursery.In("pid")}; echo starting; exec '{TestKind.Demo(port).Executable}' --port {port} {fault}"));
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Nursery.Patience());
        var launching = _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, cancel.Token);
        await UntilAsync(() => File.Exists(_nursery.In("pid")));
        await cancel.CancelAsync();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => launching);

        Assert.Contains("was not ready yet", cancelled.Message, StringComparison.Ordinal);
        Assert.False(IsAlive(int.Parse(await File.ReadAllTextAsync(_nursery.In("pid"), Nursery.Patience()), CultureInfo.InvariantCulture)));
        Assert.False(PortAllocator.IsTaken(Assert.Single(kind.Ports)));
    }

    [Fact]
    public async Task Launch_StrangerAnswersOnThePort_IsNotTakenForTheRunner()
    {
        // The first child ignores its port and lives; what answers there is not it.
        Stranger? stranger = null;
        var kind = new TestKind((_, port) =>
        {
            if (stranger is null)
            {
                stranger = new Stranger(port);
                return TestKind.Shell("exec sleep 600");
            }

            return TestKind.Demo(port);
        });
        var runner = await _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience());
        await stranger!.DisposeAsync();

        Assert.Equal(2, kind.Ports.Count);
        Assert.NotEqual(kind.Ports[0], kind.Ports[1]);
        Assert.Equal(kind.Ports[1], runner.Address.Port);
        await runner.StopAsync();
    }

    [Fact]
    public async Task Launch_RunnerFindsItsPortTakenAndEnds_IsStartedOnAnother()
    {
        Stranger? stranger = null;
        var kind = new TestKind((_, port) =>
        {
            stranger ??= new Stranger(port);
            return TestKind.Demo(port);
        });
        var runner = await _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience());
        await stranger!.DisposeAsync();

        Assert.Equal(2, kind.Ports.Count);
        await runner.StopAsync();
    }

    [Fact]
    public async Task Launch_EveryPortIsTaken_GivesUpWithAReason()
    {
        var strangers = new List<Stranger>();
        var kind = new TestKind((_, port) =>
        {
            strangers.Add(new Stranger(port));
            return TestKind.Shell("exec sleep 600");
        });
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience()));
        foreach (var stranger in strangers)
        {
            await stranger.DisposeAsync();
        }

        Assert.Equal(3, kind.Ports.Count);
        Assert.Equal("Other programs took the port of model 'm' 3 times.", failed.Message);
    }

    [Fact]
    public async Task Launch_NoSuchProgram_SaysSo()
    {
        var kind = new TestKind((_, _) => new LaunchPlan { Executable = "/no/such/program", Arguments = [], ReadyPaths = [] });
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience()));

        Assert.Equal("The runner of model 'm' could not be started: \"/no/such/program\" does not exist.", failed.Message);
    }

    [Fact]
    public async Task Launch_RunnerSaysThatItCannotWorkHere_IsStartedInItsSecondForm()
    {
        var kind = new TestKind((_, port) => TestKind.Shell("echo cannot; exit 74") with { Fallback = new LaunchFallback(74, TestKind.Demo(port)) });
        var runner = await _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience());

        Assert.Equal(Assert.Single(kind.Ports), runner.Address.Port);
        await runner.StopAsync();
    }

    [Theory]
    [InlineData("exit 73", "exit 74", "exit code 73")] // another end is a failure, and the second form is not tried
    [InlineData("exit 74", "exit 74", "exit code 74")] // there is no third
    public async Task Launch_RunnerEndsInAnotherWayOrAgain_Fails(string first, string second, string how)
    {
        var kind = new TestKind((_, _) => TestKind.Shell(first) with { Fallback = new LaunchFallback(74, TestKind.Shell($"touch {_nursery.In("second")}; {second}")) });
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience()));

        Assert.Contains(how, failed.Message, StringComparison.Ordinal);
        Assert.Equal(first == "exit 74", File.Exists(_nursery.In("second")));
    }

    [Fact]
    public async Task Launch_PlanWithAProof_IsReadyOnlyWhenThatIsAnswered()
    {
        var answered = new TestKind((_, port) => TestKind.Demo(port) with { Proof = new ReadyProbe(HttpMethod.Post, "/v1/completions", """{"model":"m","prompt":"hi","max_tokens":1}""") });
        var runner = await _nursery.Launcher(answered).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience());
        await runner.StopAsync();

        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Nursery.Patience());
        var refused = new TestKind((_, port) => TestKind.Demo(port) with { Proof = new ReadyProbe(HttpMethod.Post, "/no/such/path", "{}") });
        var launching = _nursery.Launcher(refused).LaunchAsync(Model(), LaunchShape.Free, 2, cancel.Token);
        await UntilAsync(() => refused.Ports.Count == 1 && PortAllocator.IsTaken(refused.Ports[0]));

        Assert.NotSame(launching, await Task.WhenAny(launching, Task.Delay(TimeSpan.FromSeconds(1), Nursery.Patience())));
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => launching);
    }

    [Fact]
    public async Task Vitals_OfARunnerThatFreezes_ShowIt()
    {
        var kind = new TestKind((_, port) => TestKind.Demo(port) with { Question = ReadyProbe.OneToken("m") });
        var runner = await _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience());
        var vitals = runner.Vitals!;
        Assert.False(vitals.HasSpoken()); // the proof went over other connections

        using (var before = await runner.Connections.SendAsync(new HttpRequestMessage(HttpMethod.Get, new Uri(runner.Address, "/health")), Nursery.Patience()))
        {
            Assert.True(before.IsSuccessStatusCode);
        }

        Assert.True(vitals.HasSpoken());
        Assert.False(vitals.HasSpoken());
        Assert.True(await vitals.AnswersAsync(Nursery.Patience()));
        Assert.False(vitals.HasSpoken()); // the question is not counted
        Assert.True(vitals.ProcessorTime() > TimeSpan.Zero);

        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(runner.Address, "/v1/completions")) { Content = new StringContent("""{"model":"m","prompt":"hi","stream":true,"demo":{"freeze_after":1}}""") };
        using var response = await runner.Connections.SendAsync(request, Nursery.Patience());
        var stream = await response.Content.ReadAsStreamAsync(Nursery.Patience());
        Assert.True(await stream.ReadAsync(new byte[4096], Nursery.Patience()) > 0);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        Assert.False(await vitals.AnswersAsync(limit.Token));

        var since = Stopwatch.StartNew();
        vitals.GiveUp();
        await runner.StopAsync();
        Assert.True(since.Elapsed < RunnerProcess.GraceFor(Model()));
        Assert.False((await runner.Gone).WasKilled); // by us
        Assert.Null(vitals.ProcessorTime());
        Assert.False(await vitals.AnswersAsync(Nursery.Patience()));
    }

    // A client that pauses over its stream is not the runner's fault.
    [Fact]
    public async Task Vitals_BytesThatNobodyTakes_AreWords()
    {
        var kind = new TestKind((_, port) => TestKind.Demo(port));
        var runner = await _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience());
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(runner.Address, "/v1/completions")) { Content = new StringContent("""{"model":"m","prompt":"hi","stream":true,"demo":{"endless":true}}""") };
        using var response = await runner.Connections.SendAsync(request, Nursery.Patience());

        // The first word may be the headers, which were read; the second is bytes that wait.
        await UntilAsync(() => runner.Vitals!.HasSpoken() && runner.Vitals!.HasSpoken());
        for (var i = 0; i < 20; i++)
        {
            Assert.True(runner.Vitals!.HasSpoken());
        }

        await runner.StopAsync();
    }

    [Fact]
    public async Task ProcessorTime_OfChildrenThatWork_CountsToo()
    {
        var runner = _nursery.Children.Start(new ChildCommand { Label = "burns", Executable = "/bin/sh", Arguments = ["-c", "(while :; do :; done) & sleep 600"], Environment = new Dictionary<string, string>() });

        await UntilAsync(() => runner.ProcessorTime() > TimeSpan.FromSeconds(0.2));

        await runner.StopAsync(TimeSpan.Zero);
        Assert.Null(runner.ProcessorTime());
    }

    [Theory]
    [InlineData("kill -9 $$", true)]
    [InlineData("kill -15 $$", false)]
    [InlineData("exit 137", false)]
    public async Task Launch_RunnerIsKilled_IsToldFromOneThatEnds(string script, bool wasKilled)
    {
        var kind = new TestKind((_, _) => TestKind.Shell(script));
        var failed = await Assert.ThrowsAsync<LaunchFailedException>(() => _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience()));

        Assert.Equal(wasKilled, failed.WasKilled);
    }

    [Fact]
    public async Task Gone_AfterAForeignSigkill_SaysSo()
    {
        var kind = new TestKind((_, port) => TestKind.Demo(port));
        var runner = await _nursery.Launcher(kind).LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience());
        using (var process = Process.GetProcessById(runner.Pid))
        {
            process.Kill();
        }

        Assert.True((await runner.Gone.WaitAsync(Nursery.Patience())).WasKilled);
        await runner.StopAsync();
    }

    [Fact]
    public async Task Launch_UnknownKind_SaysSo() =>
        await Assert.ThrowsAsync<LaunchFailedException>(() => _nursery.Launcher().LaunchAsync(Model(), LaunchShape.Free, 1, Nursery.Patience()));

    [Theory]
    [InlineData(0, 5)]
    [InlineData(4, 6)]
    [InlineData(40, 15)]
    [InlineData(4000, 120)]
    public void Grace_GrowsWithTheModel(double gigabytes, int seconds) =>
        Assert.Equal(TimeSpan.FromSeconds(seconds), RunnerProcess.GraceFor(Model() with { Memory = ByteSize.FromGigabytes(gigabytes) }));

    public ValueTask DisposeAsync() => _nursery.DisposeAsync();

    private static ModelSpec Model() => new() { Id = "m", Runner = "test" };

    private static bool IsAlive(int pid)
    {
        try
        {
            using var process = Process.GetProcessById(pid);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        var patience = Nursery.Patience();
        while (!condition())
        {
            await Task.Delay(5, patience);
        }
    }
}
