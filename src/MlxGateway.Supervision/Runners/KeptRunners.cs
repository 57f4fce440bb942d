using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;

namespace MlxGateway.Supervision.Runners;

/// <summary>Takes over the runners that an earlier gateway kept: of each model the youngest that is what would be launched today and that proves again that it can answer. The others are ended.</summary>
internal sealed partial class KeptRunners(RunnerKinds kinds, IChildProcesses processes, Readiness readiness, TimeProvider time, ILogger<KeptRunners> logger, RunnerOutputs? outputs = null)
{
    // It is loaded already, so it need only be asked. One that still works off a long request of the gateway before may need a moment.
    private static readonly TimeSpan LongestProof = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan GraceOfUnknown = TimeSpan.FromSeconds(5);

    /// <inheritdoc cref="IRunnerLauncher.AdoptAsync"/>
    public async Task<IReadOnlyList<AdoptedRunner>> AdoptAsync(CatalogSnapshot catalog, CancellationToken cancellationToken)
    {
        var models = new HashSet<string>(StringComparer.Ordinal);
        var adopting = new List<Task<AdoptedRunner?>>();
        foreach (var kept in processes.AdoptKept().OrderByDescending(kept => kept.Child.StartedAt))
        {
            var note = RunnerNote.Parse(kept.Note);
            adopting.Add(note is null ? EndAsync(kept.Child, "an unknown model", "its note cannot be read", GraceOfUnknown)
                : catalog.Find(note.Model) is not { } model ? EndAsync(kept.Child, note.Model, "the model is not known any more", GraceOfUnknown)
                : kinds.Find(note.Kind) is not { } kind || model.LaunchFingerprint != note.Fingerprint ? EndAsync(kept.Child, note.Model, "the model is launched in another way now", RunnerProcess.GraceFor(model))
                : !models.Add(note.Model) ? EndAsync(kept.Child, note.Model, "there is a younger one", RunnerProcess.GraceFor(model))
                : AdoptAsync(kept.Child, model, note, kind, cancellationToken));
        }

        return [.. (await Task.WhenAll(adopting)).OfType<AdoptedRunner>()];
    }

    private async Task<AdoptedRunner?> AdoptAsync(ChildProcess child, ModelSpec model, RunnerNote note, IRunnerKind kind, CancellationToken cancellationToken)
    {
        var address = new UriBuilder(Uri.UriSchemeHttp, "127.0.0.1", note.Port).Uri;
        string why;
        try
        {
            if (await ProvesItselfAsync(child, address, note, cancellationToken))
            {
                Log.Adopted(logger, model.Id, child.Pid, note.Port);
                var secrets = RunnerEnvironment.SecretsOf(model, note.Secret);
                outputs?.Note(model.Id, child, secrets);
                var runner = new RunnerProcess(model, child, address, kind.MannersFor(model), secrets, note);
                return new AdoptedRunner(model, note.Shape, runner);
            }

            why = child.Exited.IsCompleted ? "it has ended" : $"it did not answer within {LongestProof.TotalSeconds:0} s";
        }
        catch (PortTakenException)
        {
            why = $"port {note.Port} is not its own";
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            child.Keep(note.ToString()); // this start is called off; for the next one
            throw;
        }

        return await EndAsync(child, model.Id, why, RunnerProcess.GraceFor(model));
    }

    private async Task<bool> ProvesItselfAsync(ChildProcess child, Uri address, RunnerNote note, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(LongestProof, time);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var connections = RunnerConnections.Open(note.Secret);
        var proving = readiness.WaitAsync(child, note.Port, address, connections, note.ReadyPaths, note.Proof?.ToProbe(), ended.Token);
        if (await Task.WhenAny(proving, child.Exited) != proving)
        {
            await ended.CancelAsync();
        }

        try
        {
            await proving;
            return !child.Exited.IsCompleted;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task<AdoptedRunner?> EndAsync(ChildProcess child, string model, string why, TimeSpan grace)
    {
        Log.NotAdopted(logger, model, child.Pid, why);
        await child.StopAsync(grace);
        return null;
    }

    private static partial class Log
    {
        [LoggerMessage(2511, LogLevel.Information, "Took over the runner of {Model} that an earlier gateway kept: process {Pid}, port {Port}.")]
        public static partial void Adopted(ILogger logger, string model, int pid, int port);

        [LoggerMessage(2512, LogLevel.Warning, "The runner of {Model} that an earlier gateway kept (process {Pid}) is not taken over and is ended: {Why}.")]
        public static partial void NotAdopted(ILogger logger, string model, int pid, string why);
    }
}
