using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Ports;

/// <summary>
/// Keeps what ports promise: at the start those of the last time are opened again, and a model that died is loaded again without anybody asking, as far as there is room. One that had
/// to leave for others stays away until a request for it comes.
/// </summary>
internal sealed partial class PortKeeper(ModelPorts ports, PortFile file, IModelPool pool, ILogger<PortKeeper> logger) : BackgroundService
{
    // Nobody waits for it, so nobody has to leave for it.
    private static readonly LeaseTerms Unasked = new() { IsBackground = true, MayEvict = false };

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        foreach (var (number, kept) in file.Read())
        {
            try
            {
                var port = ports.Open(number, kept.Model);
                port.IsRemembered = true;
                _ = ReviveAsync(port, stoppingToken, kept.IsFetched);
            }
            catch (PortHeldException held)
            {
                Log.NotOpened(logger, number, kept.Model, held.Message);
            }
        }

        var present = new HashSet<string>(StringComparer.Ordinal);
        while (!stoppingToken.IsCancellationRequested)
        {
            var now = pool.Snapshot;
            var before = present;
            present = [.. now.Models.Where(static m => m.State != ResidentState.Absent).Select(static m => m.Id)];
            ModelPort[] left = [.. ports.All.Where(p => before.Contains(p.ModelId) && !present.Contains(p.ModelId))];
            if (left.Length > 0 && !now.IsShuttingDown)
            {
                await ReviveThoseThatDiedAsync(left, stoppingToken);
            }

            await pool.ChangedAsync(now.Version, stoppingToken);
        }
    }

    private async Task ReviveThoseThatDiedAsync(ModelPort[] left, CancellationToken stoppingToken)
    {
        // The newest first. That somebody who asked meanwhile was refused says nothing of why it left.
        var decisions = (await pool.ExplainAsync(stoppingToken)).Decisions.Where(static d => d.Kind != DecisionKind.Refused).ToList();
        foreach (var port in left.Where(p => decisions.Find(d => d.Model == p.ModelId)?.Kind == DecisionKind.Failed))
        {
            Log.Died(logger, port.ModelId, port.Number);
            _ = ReviveAsync(port, stoppingToken);
        }
    }

    private async Task ReviveAsync(ModelPort port, CancellationToken stoppingToken, bool isFetched = false)
    {
        try
        {
            if (await (isFetched ? ports.FetchAndLoadAsync(port, Unasked, stoppingToken) : ports.LoadAsync(port, Unasked, stoppingToken)) is { } error)
            {
                Log.NotLoaded(logger, port.ModelId, port.Number, error.Message);
            }
        }
        catch (OperationCanceledException)
        {
            // The gateway ends.
        }
        catch (Exception fault)
        {
            Log.NotLoaded(logger, port.ModelId, port.Number, fault.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(4023, LogLevel.Warning, "Port {Port} cannot serve model {Model}: {Reason}.")]
        public static partial void NotOpened(ILogger logger, int port, string model, string reason);

        [LoggerMessage(4025, LogLevel.Warning, "Model {Model} of port {Port} died and is loaded again.")]
        public static partial void Died(ILogger logger, string model, int port);

        [LoggerMessage(4026, LogLevel.Warning, "Model {Model} of port {Port} was not loaded ahead of a request for it: {Reason}")]
        public static partial void NotLoaded(ILogger logger, string model, int port, string reason);
    }
}
