using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Residency;

/// <summary>One launch of one model, from the order to launch until nothing of it is left. Reports each turn of it as an event.</summary>
[SuppressMessage("Design", "CA1001", Justification = "A cancellation source without a timer holds nothing that must be freed.")]
internal sealed partial class RunnerLaunch(
    ModelSpec model,
    LaunchShape shape,
    int number,
    IRunnerLauncher launcher,
    MemoryWatch memory,
    FootprintWatch footprints,
    IFootprintRecords? records,
    Func<IVitals, HangWatch> watchFor,
    TimeProvider time,
    TaskFactory tasks,
    ILogger logger,
    Action<ResidencyEvent> post)
{
    private readonly CancellationTokenSource _cancel = new();
    private Task<IRunner>? _runner;
    private volatile LiveFootprint? _footprint;
    private long? _killsBefore;
    private long _begun;

    public int Number => number;

    /// <summary>The load, once it is over and went well. Of a runner that was adopted nobody saw one.</summary>
    public ModelLoad? Load { get; private set; }

    /// <summary>Begins the launch and reports how it goes and, once it is ready, when it is gone.</summary>
    public void Start()
    {
        Log.Launching(logger, model.Id, model.Runner, number);
        _begun = time.GetTimestamp();
        memory.LoadBegins();

        // A launcher may do a good deal of work before it first awaits; none of it on the pool's loop.
        _runner = tasks.StartNew(LaunchAsync).Unwrap();
        _ = WatchAsync(_runner);
    }

    /// <summary>Watches over a runner that was adopted, as over one that has just become ready.</summary>
    public void TakeOver(IRunner runner)
    {
        _runner = Task.FromResult(runner);
        _ = tasks.StartNew(() => LiveAsync(runner));
    }

    /// <summary>Hands on what the runner was seen to take so far. It has served.</summary>
    public void Teach() => _footprint?.Teach();

    /// <summary>Cancels the launch or stops the runner, and reports when it is gone.</summary>
    /// <param name="hasServed">Whether what it was seen to take is worth keeping.</param>
    public void Stop(bool hasServed)
    {
        Log.Stopping(logger, model.Id, number);
        _ = EndAsync(_runner!, hasServed, keeps: false);
    }

    /// <summary>Lets the runner live on for the next gateway, or stops it if that cannot be, and reports when it is done.</summary>
    /// <param name="hasServed">Whether what it was seen to take is worth keeping.</param>
    public void Detach(bool hasServed) => _ = EndAsync(_runner!, hasServed, keeps: true);

    private async Task<IRunner> LaunchAsync()
    {
        using var span = PoolMeasures.BeginLaunch(model, number);
        _killsBefore = memory.Kills();
        try
        {
            var runner = await launcher.LaunchAsync(model, shape, number, _cancel.Token);
            memory.Count(runner.Pid);
            Load = new ModelLoad(time.GetUtcNow(), span?.Context ?? default);
            return runner;
        }
        catch
        {
            // Not with its words: the last lines of a runner are in them, and nobody here knows what is in those.
            span?.SetStatus(ActivityStatusCode.Error, _cancel.IsCancellationRequested ? "cancelled" : "failed");
            throw;
        }
        finally
        {
            memory.LoadIsOver();
        }
    }

    private async Task WatchAsync(Task<IRunner> launching)
    {
        IRunner runner;
        try
        {
            runner = await launching;
        }
        catch (Exception exception)
        {
            if (!_cancel.IsCancellationRequested)
            {
                Log.LaunchFailed(logger, model.Id, number, exception);
            }

            var (why, whyCause) = Explain(new RunnerEnd(exception.Message, exception is LaunchFailedException { WasKilled: true }));
            post(new ResidencyEvent.LaunchFailed(model.Id, number, why, whyCause));
            return;
        }

        _footprint = new LiveFootprint(model, shape, number, runner, records, time.GetElapsedTime(_begun));
        post(new ResidencyEvent.LaunchSucceeded(model.Id, number, runner));
        await LiveAsync(runner);
    }

    private async Task LiveAsync(IRunner runner)
    {
        _ = WatchOverAsync(runner);

        // What an adopted one took when it had just been loaded was seen by the gateway that loaded it: it teaches nothing here.
        var footprint = _footprint ??= new LiveFootprint(model, shape, number, runner, records: null);
        footprints.Begin(footprint);
        var end = await EndOfAsync(runner);
        footprints.End(footprint);
        var (how, cause) = Explain(end);
        if (!_cancel.IsCancellationRequested)
        {
            Log.Exited(logger, model.Id, number, how);
        }

        post(new ResidencyEvent.RunnerExited(model.Id, number, how, cause));
    }

    private async Task WatchOverAsync(IRunner runner)
    {
        try
        {
            if (runner.Vitals is { } vitals && await watchFor(vitals).HungAsync(_cancel.Token) is { } how)
            {
                Log.Hung(logger, model.Id, number, how);
                post(new ResidencyEvent.RunnerHung(model.Id, number, how));
            }
        }
        catch (Exception exception)
        {
            Log.WatchFailed(logger, model.Id, number, exception);
        }
    }

    private (string How, EndCause Cause) Explain(RunnerEnd end) => end.WasKilled && !_cancel.IsCancellationRequested && memory.ExplainsKill(_killsBefore)
        ? ($"the system killed it for memory: {end.How}", EndCause.KilledForMemory)
        : (end.How, EndCause.Itself);

    private async Task EndAsync(Task<IRunner> launching, bool hasServed, bool keeps)
    {
        IRunner? runner = null;
        var isKept = false;

        // From the order to stop on: whoever is launched in its place may be there before it is gone.
        var areLoads = memory.WatchLoads();
        try
        {
            await _cancel.CancelAsync();
            await launching.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            if (launching.IsCompletedSuccessfully)
            {
                runner = await launching;
                var memoryOfIt = await tasks.StartNew(() => LookForTheLastTime(hasServed, areLoads));
                isKept = keeps && await runner.KeepAsync();
                await (isKept ? Task.CompletedTask : runner.StopAsync());
                if (!isKept && !await memoryOfIt.WaitAsync())
                {
                    Log.NotBack(logger, model.Id, number);
                }
            }
        }
        catch (Exception exception)
        {
            Log.StopFailed(logger, model.Id, number, exception);
        }

        if (runner is not null)
        {
            memory.Forget(runner.Pid);
        }

        // Read first, so that the ledger decides about the freed memory with the freed memory in sight.
        memory.Read();
        if (isKept)
        {
            Log.Kept(logger, model.Id, runner!.Pid);
        }
        else
        {
            Log.Gone(logger, model.Id, number);
        }

        post(new ResidencyEvent.RunnerStopped(model.Id, number));
    }

    // A fraction of what a stop takes, and the only look at a launch that lived shorter than the interval and after it had served.
    private MemoryReturn LookForTheLastTime(bool hasServed, Func<bool> areLoads)
    {
        if (_footprint is { } footprint)
        {
            footprints.End(footprint);
            if (hasServed)
            {
                footprint.Teach();
            }
        }

        return memory.Expect(_footprint, areLoads);
    }

    private async Task<RunnerEnd> EndOfAsync(IRunner runner)
    {
        try
        {
            return await runner.Gone;
        }
        catch (Exception exception)
        {
            Log.StopFailed(logger, model.Id, number, exception);
            return new RunnerEnd(exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3001, LogLevel.Information, "Launching model {Model} with {Runner} (launch {Launch}).")]
        public static partial void Launching(ILogger logger, string model, string runner, int launch);

        [LoggerMessage(3002, LogLevel.Information, "Stopping model {Model} (launch {Launch}).")]
        public static partial void Stopping(ILogger logger, string model, int launch);

        [LoggerMessage(3003, LogLevel.Warning, "The runner of model {Model} (launch {Launch}) ended by itself: {How}")]
        public static partial void Exited(ILogger logger, string model, int launch, string how);

        [LoggerMessage(3004, LogLevel.Error, "Model {Model} failed to launch (launch {Launch}).")]
        public static partial void LaunchFailed(ILogger logger, string model, int launch, Exception exception);

        [LoggerMessage(3005, LogLevel.Error, "Model {Model} could not be stopped cleanly (launch {Launch}).")]
        public static partial void StopFailed(ILogger logger, string model, int launch, Exception exception);

        [LoggerMessage(3009, LogLevel.Information, "The process of model {Model} (launch {Launch}) is gone, but its memory was not seen to come back.")]
        public static partial void NotBack(ILogger logger, string model, int launch);

        [LoggerMessage(3007, LogLevel.Warning, "The runner of model {Model} (launch {Launch}) hangs: {How}")]
        public static partial void Hung(ILogger logger, string model, int launch, string how);

        [LoggerMessage(3008, LogLevel.Error, "The runner of model {Model} (launch {Launch}) is not watched any more.")]
        public static partial void WatchFailed(ILogger logger, string model, int launch, Exception exception);

        [LoggerMessage(3006, LogLevel.Information, "Model {Model} is out of memory (launch {Launch}).")]
        public static partial void Gone(ILogger logger, string model, int launch);

        [LoggerMessage(3013, LogLevel.Information, "Model {Model} stays in memory for the next gateway (process {Pid}).")]
        public static partial void Kept(ILogger logger, string model, int pid);
    }
}
