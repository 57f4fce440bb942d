using Microsoft.Extensions.Logging;

namespace MlxGateway.Supervision.Processes;

/// <summary>
/// What a gateway left behind that was killed together with its guard, or whose machine lost its memory of them: found by the record that it
/// wrote, and ended.
/// </summary>
/// <remarks>
/// A process is only taken for a stray if its process id and its start time are those in the record, if it is kin to such a one, or if it carries
/// the mark of the dead gateway. A living gateway's record is left alone, and so is one from another process namespace (a container that shares the
/// folder), where process ids mean something else.
/// </remarks>
public sealed partial class StrayProcesses
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly StateFolder _folder;
    private readonly IProcessTable _table;
    private readonly TimeProvider _time;
    private readonly ILogger<StrayProcesses> _logger;

    internal StrayProcesses(StateFolder folder, IProcessTable table, TimeProvider time, ILogger<StrayProcesses> logger)
    {
        _folder = folder;
        _table = table;
        _time = time;
        _logger = logger;
    }

    /// <summary>Ends what dead gateways left running: politely for two seconds, then not. Completes when it is gone, or after seven seconds for each dead gateway.</summary>
    /// <returns>How many processes were found.</returns>
    public async Task<int> ReapAsync(CancellationToken cancellationToken)
    {
        var found = 0;
        foreach (var (path, record) in _folder.Records())
        {
            if (record.Epoch.Boot != _table.Epoch.Boot)
            {
                File.Delete(path); // nothing outlives its boot
            }
            else if (record.Epoch == _table.Epoch && !_table.Lives(record.Owner))
            {
                found += await ReapAsync(path, record, cancellationToken);
            }
        }

        return found;
    }

    private async Task<int> ReapAsync(string path, GatewayRecord record, CancellationToken cancellationToken)
    {
        var known = new HashSet<ProcessIdentity>(record.Children.Select(child => child.Leader));
        var found = Living(record, known);
        if (found.Count > 0)
        {
            Log.Found(_logger, found.Count, record.Owner.Pid, string.Join(", ", record.Children.Select(child => child.Label)));
            Insistence.Send(_table, found, Signals.Terminate);
            await Insistence.GoneAsync(() => Living(record, known), _time, Task.Delay(Grace, _time, cancellationToken));
        }

        cancellationToken.ThrowIfCancellationRequested();
        var gone = await Insistence.GoneAsync(
            () => Insistence.Send(_table, Living(record, known), Signals.Kill), _time, Task.Delay(Patience, _time, cancellationToken));
        cancellationToken.ThrowIfCancellationRequested();
        if (gone)
        {
            File.Delete(path);
        }
        else
        {
            Log.Remain(_logger, record.Owner.Pid);
        }

        return found.Count;
    }

    /// <summary>By the gateway's mark, unless that one is kept or somebody else's by now; or by the own mark of one that the gateway had adopted.</summary>
    private bool IsMarked(int pid, GatewayRecord record) =>
        _table.HasVariable(pid, Marks.Gateway, record.Mark)
            ? record.LetGo?.Any(mark => _table.HasVariable(pid, Marks.Child, mark)) != true
            : record.Children.Any(child => child.Mark is { } mark && _table.HasVariable(pid, Marks.Child, mark));

    /// <summary>
    /// Who of them is alive now. The number of a leader that is gone may by now be the group of others, so a group counts only while its leader
    /// is seen; but whoever was once seen in it stays known.
    /// </summary>
    private IReadOnlyList<ProcessEntry> Living(GatewayRecord record, HashSet<ProcessIdentity> known)
    {
        var all = _table.All();
        var leaders = all.Where(entry => record.Children.Any(child => child.Leader == entry.Identity)).Select(entry => entry.Pid).ToHashSet();
        var children = all.ToLookup(entry => entry.Parent);
        var strays = new Dictionary<int, ProcessEntry>();
        var next = new Stack<ProcessEntry>(all.Where(entry =>
            leaders.Contains(entry.Group) || leaders.Contains(entry.Session) || known.Contains(entry.Identity)
            || (!entry.IsZombie && IsMarked(entry.Pid, record))));
        while (next.TryPop(out var entry))
        {
            if (strays.TryAdd(entry.Pid, entry))
            {
                known.Add(entry.Identity);
                foreach (var child in children[entry.Pid])
                {
                    next.Push(child);
                }
            }
        }

        return [.. strays.Values.Where(entry => !entry.IsZombie)];
    }

    private static partial class Log
    {
        [LoggerMessage(2041, LogLevel.Warning, "Ending {Count} processes that an earlier gateway (process {Owner}) left running: {Labels}.")]
        public static partial void Found(ILogger logger, int count, int owner, string labels);

        [LoggerMessage(2042, LogLevel.Warning, "Some processes that an earlier gateway (process {Owner}) left running could not be ended; it is tried again at the next start.")]
        public static partial void Remain(ILogger logger, int owner);
    }
}
