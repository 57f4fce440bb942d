using System.Globalization;
using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;

namespace MlxGateway.Supervision.Runners;

/// <summary>Turns a model into a ready runner: plan, port, process, proof.</summary>
internal sealed partial class RunnerLauncher(RunnerKinds kinds, IChildProcesses processes, PortAllocator ports, Readiness readiness, KeptRunners kept, ILogger<RunnerLauncher> logger, SpareCompanion? spares = null, RunnerOutputs? outputs = null, LaunchPatience? patience = null, TimeProvider? time = null) : IRunnerLauncher
{
    // Between choosing a port and the engine's bind another program may take it; the next port is as good.
    private const int PortAttempts = 3;

    /// <inheritdoc/>
    public async Task<IRunner> LaunchAsync(ModelSpec model, LaunchShape shape, int launch, CancellationToken cancellationToken)
    {
        if (kinds.Find(model.Runner) is not { } kind)
        {
            throw new LaunchFailedException($"Runner kind '{model.Runner}' is not known.");
        }

        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await LaunchAsync(model, shape, launch, kind, ports.Allocate(), cancellationToken);
            }
            catch (PortTakenException) when (attempt < PortAttempts)
            {
                Log.PortTaken(logger, model.Id, launch);
            }
            catch (PortTakenException)
            {
                throw new LaunchFailedException($"Other programs took the port of model '{model.Id}' {PortAttempts} times.");
            }
            catch (ChildStartException failed)
            {
                throw new LaunchFailedException($"The runner of model '{model.Id}' could not be started: {failed.Message}");
            }
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<AdoptedRunner>> AdoptAsync(CatalogSnapshot catalog, CancellationToken cancellationToken) => kept.AdoptAsync(catalog, cancellationToken);

    private async Task<IRunner> LaunchAsync(ModelSpec model, LaunchShape shape, int launch, IRunnerKind kind, int port, CancellationToken cancellationToken)
    {
        var plan = await kind.PlanAsync(model, shape, port, cancellationToken);
        if (shape.Lowered is { } lowered)
        {
            Log.Lowered(logger, model.Id, launch, lowered);
        }

        spares?.LaunchBegins();
        LaunchPlan? ready = null;
        try
        {
            var runner = await StartAsync(model, shape, launch, kind, port, plan, cancellationToken);
            ready = runner.Plan;
            return runner.Runner;
        }
        finally
        {
            spares?.LaunchEnded(ready);
        }
    }

    private async Task<(IRunner Runner, LaunchPlan Plan)> StartAsync(ModelSpec model, LaunchShape shape, int launch, IRunnerKind kind, int port, LaunchPlan plan, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return (await StartAsync(model, shape, launch, kind.MannersFor(model), port, plan, cancellationToken), plan);
            }
            catch (SpareLostException)
            {
                Log.SpareLost(logger, model.Id, launch);
            }
            catch (CannotWorkException cannot) when (plan.Fallback is { } fallback)
            {
                Log.FallenBack(logger, model.Id, launch, cannot.Message);
                plan = fallback.Plan;
            }
        }
    }

    private async Task<IRunner> StartAsync(ModelSpec model, LaunchShape shape, int launch, RunnerManners manners, int port, LaunchPlan plan, CancellationToken cancellationToken)
    {
        var environment = RunnerEnvironment.For(plan.Environment, model.Env.Entries, plan.Secret);
        var secrets = RunnerEnvironment.SecretsOf(model, plan.Secret);
        var spare = spares?.Take(plan);
        var child = spare ?? processes.Start(new ChildCommand
        {
            Label = $"{model.Id}-{launch}",
            Executable = plan.Executable,
            Arguments = plan.Arguments,
            Environment = environment,
            WorkingDirectory = model.WorkingDirectory,
        });
        Log.Started(logger, model.Id, launch, child.Pid, port, plan.Executable);
        outputs?.Note(model.Id, child, secrets);
        var address = new UriBuilder(Uri.UriSchemeHttp, "127.0.0.1", port).Uri;
        var runner = new RunnerProcess(model, child, address, manners, secrets, RunnerNote.Of(model, shape, port, plan));
        try
        {
            await ProveAsync(model, child, runner, port, plan, secrets, cancellationToken);
            return runner;
        }
        catch (Exception) when (spare is { Exited.IsCompleted: true } && !cancellationToken.IsCancellationRequested && !SpareProcess.HasHeard(spare))
        {
            await runner.StopAsync();
            throw new SpareLostException();
        }
        catch
        {
            await runner.StopAsync();
            throw;
        }
    }

    // Ready, or gone: whichever comes first ends the wait.
    private async Task ProveAsync(ModelSpec model, ChildProcess child, RunnerProcess runner, int port, LaunchPlan plan, IReadOnlyList<string> secrets, CancellationToken cancellationToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        // Not the runner's own: a server of HTTP/1.0 closes after the proof without saying so, and the first request would go into what it closed.
        using var connections = RunnerConnections.Open(plan.Secret);
        var proving = IsReadyAsync(child, port, runner.Address, connections, plan, ended.Token);
        var isPreparing = false;
        using var preparations = plan.Preparing is { } tells ? child.Output.Follow(line => isPreparing = tells(line) ?? isPreparing) : null;
        var within = patience is null ? plan.ReadyWithin : patience.Of(plan);
        var over = within is { } bound ? LaunchPatience.IsOverAsync(bound, () => Volatile.Read(ref isPreparing), time ?? TimeProvider.System, ended.Token) : null;
        await Task.WhenAny([proving, child.Exited, .. over is null ? Array.Empty<Task>() : [over]]);
        if (proving.IsCompleted)
        {
            await ended.CancelAsync(); // nobody waits for the bound any more
        }
        else if (over is { IsCompletedSuccessfully: true } && !child.Exited.IsCompleted)
        {
            await ended.CancelAsync();
            await proving.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            throw new LaunchFailedException(string.Create(CultureInfo.InvariantCulture, $"The runner of model '{model.Id}' was not ready within {within!.Value.TotalSeconds:0.###} s; Residency:LaunchTimeout gives it longer. {RunnerProcess.LastLines(child, secrets)}"));
        }

        if (child.Exited.IsCompleted)
        {
            await ended.CancelAsync();
            await proving.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            cancellationToken.ThrowIfCancellationRequested();
            if (plan.Fallback is { } fallback && (await child.Exited).Code == fallback.ExitCode)
            {
                throw new CannotWorkException(await RunnerProcess.DescribeEndAsync(child, secrets));
            }

            if (PortAllocator.IsTaken(port))
            {
                throw new PortTakenException();
            }

            throw new LaunchFailedException($"The runner of model '{model.Id}' ended before it was ready: {await RunnerProcess.DescribeEndAsync(child, secrets)}{AdviceOn(string.Join('\n', child.Output.Lines()), plan)}")
            {
                WasKilled = RunnerProcess.IsKill(await child.Exited),
            };
        }

        try
        {
            if (await proving is { } fault)
            {
                throw new LaunchFailedException($"The runner of model '{model.Id}' cannot serve it: {SecretFilter.Clean(fault, secrets)}.{AdviceOn(fault, plan)}");
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException($"The runner of model '{model.Id}' was not ready yet. {RunnerProcess.LastLines(child, secrets)}", cancellationToken);
        }
    }

    // The fault, if it lives and cannot serve.
    private async Task<string?> IsReadyAsync(ChildProcess child, int port, Uri address, HttpMessageInvoker connections, LaunchPlan plan, CancellationToken cancellationToken)
    {
        await readiness.WaitAsync(child, port, address, connections, plan.ReadyPaths, plan.Proof, cancellationToken);
        return await readiness.FaultAsync(address, connections, plan.Verdicts, cancellationToken);
    }

    private static string AdviceOn(string said, LaunchPlan plan) => plan.Advice?.Invoke(said) is { } advice ? $" {advice}" : "";

    private static partial class Log
    {
        [LoggerMessage(2501, LogLevel.Information, "Started a runner for {Model} (launch {Launch}): process {Pid}, port {Port}, {Executable}.")]
        public static partial void Started(ILogger logger, string model, int launch, int pid, int port, string executable);

        [LoggerMessage(2505, LogLevel.Information, "The process that waited for a model ended before it knew of {Model} (launch {Launch}); a new one is started.")]
        public static partial void SpareLost(ILogger logger, string model, int launch);

        [LoggerMessage(2504, LogLevel.Information, "{Model} (launch {Launch}) gets less than it could use. {Lowered}")]
        public static partial void Lowered(ILogger logger, string model, int launch, string lowered);

        [LoggerMessage(2502, LogLevel.Warning, "Another program holds the port of {Model} (launch {Launch}); trying another one.")]
        public static partial void PortTaken(ILogger logger, string model, int launch);

        [LoggerMessage(2503, LogLevel.Warning, "The runner for {Model} (launch {Launch}) cannot work here in its first form, so it is started in its second: {Why}")]
        public static partial void FallenBack(ILogger logger, string model, int launch, string why);
    }

    /// <summary>The child said by its exit code that it cannot work here.</summary>
    private sealed class CannotWorkException(string message) : Exception(message);

    /// <summary>The process that was to take the launch was as good as dead; nothing was tried yet.</summary>
    private sealed class SpareLostException : Exception;
}
