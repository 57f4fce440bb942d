using Microsoft.Extensions.Logging;

namespace MlxGateway.Supervision.Processes;

/// <summary>
/// A process that we started, and all that came of it. It is gone when nothing of it is left: neither its group, nor a descendant that left
/// the group, nor anything else that carries its mark.
/// </summary>
/// <remarks>
/// <code>
///  running ──exits by itself──────────────► leader dead ─► kill the rest ─► read the rest of its output ─► reap ─► gone
///     └─stop─► asked ──leader dead, rest still writing──► rest gone, or the grace is over ───┘
///                └──────────── the grace is over ──────────────────────────────────────────┘
/// </code>
/// At any time before that, it may be kept: then it is not ours any more. A leader that we started is left a zombie until the rest is gone: its number is also the number of its group and session, and as long as it is not reaped
/// the system gives that number to nobody else. So no signal can reach an innocent process.
/// </remarks>
public sealed partial class ChildProcess
{
    private static readonly TimeSpan LongestGrace = TimeSpan.FromDays(1); // a timer takes no more than seven weeks

    private readonly ProcessFamily _family;
    private readonly IProcessTable _table;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _label;
    private readonly Action<ChildProcess> _beforeReaping;
    private readonly Func<ChildProcess, string, bool> _handOver;
    private readonly Lock _lock = new();

    private readonly TaskCompletionSource _stopAsked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _insist = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ChildExit> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _kept = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _isEnding;

    /// <param name="label">Its name in logs.</param>
    /// <param name="startedAt">When it was started.</param>
    /// <param name="family">Who belongs to it.</param>
    /// <param name="output">What it writes.</param>
    /// <param name="table">Where processes are looked up.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    /// <param name="beforeReaping">Called when it is gone, while its number is still its own.</param>
    /// <param name="handOver">Lets go of it, with a note for whoever adopts it; false: it could not be written down.</param>
    internal ChildProcess(
        string label, DateTimeOffset startedAt, ProcessFamily family, OutputTail output, IProcessTable table, TimeProvider time, ILogger logger,
        Action<ChildProcess> beforeReaping, Func<ChildProcess, string, bool> handOver)
    {
        _label = label;
        _family = family;
        Output = output;
        _table = table;
        _time = time;
        _logger = logger;
        _beforeReaping = beforeReaping;
        _handOver = handOver;
        StartedAt = startedAt;
    }

    /// <summary>The process id of the leader, which is also the id of its group and of its session.</summary>
    public int Pid => _family.Leader.Identity.Pid;

    /// <summary>When it was started.</summary>
    public DateTimeOffset StartedAt { get; }

    /// <summary>Completes when the process has ended, for whatever reason, nothing of its group is left and <see cref="Output"/> is complete. Never faults; never completes for one that was kept.</summary>
    public Task<ChildExit> Exited => _exited.Task;

    /// <summary>What it writes, output and errors together.</summary>
    public OutputTail Output { get; }

    internal string Label => _label;

    internal ProcessFamily Family => _family;

    /// <summary>Whether this process, or one that came of it, listens on a TCP port of the loopback. False after it is gone; null: the system does not say.</summary>
    public bool? OwnsPort(int port) =>
        Exited.IsCompleted ? false
        : _table.AnyListens([Pid], port) == true ? true // nearly always: its family needs a look at everybody
        : _table.AnyListens([.. _family.Living().Select(entry => entry.Pid)], port);

    /// <summary>Lets go of it: it lives on when this gateway ends, and is the next one's to adopt. From then on nothing is done to it here.</summary>
    /// <param name="note">What <see cref="IChildProcesses.AdoptKept"/> gives to whoever adopts it.</param>
    /// <returns>False: it has ended or is ending, or it could not be written down. Then it is still ours.</returns>
    public bool Keep(string note)
    {
        lock (_lock)
        {
            if (_isEnding || _kept.Task.IsCompleted || !_handOver(this, note))
            {
                return false;
            }

            _kept.SetResult();
            return true;
        }
    }

    /// <summary>
    /// How much processor time all of its living processes have used so far, to a hundredth of a second; null: it is gone, or the system does not say.
    /// It becomes less when one of them ends.
    /// </summary>
    public TimeSpan? ProcessorTime()
    {
        if (Exited.IsCompleted)
        {
            return null;
        }

        var used = TimeSpan.Zero;
        var isKnown = false;
        foreach (var entry in _family.Living())
        {
            if (_table.ProcessorTimeOf(entry.Pid) is { } time)
            {
                used += time;
                isKnown = true;
            }
        }

        return isKnown ? used : null;
    }

    /// <summary>
    /// Asks everything of this process to end and, when the grace is over, ends it. Completes when nothing of it is left. May be called more
    /// than once and by several at a time; the shortest grace counts. Also for a process that has ended by itself; one that was kept is left alone. Never throws.
    /// </summary>
    /// <param name="grace">Until when it is to be gone. The last part of it, at most half a second, is for insisting; zero: insist at once.</param>
    public async Task StopAsync(TimeSpan grace)
    {
        if (grace <= TimeSpan.Zero)
        {
            _insist.TrySetResult(); // before it is asked, so that it is not asked first
        }

        _stopAsked.TrySetResult();
        grace = grace < LongestGrace ? grace : LongestGrace;
        var insisting = TimeSpan.FromTicks(Math.Min(grace.Ticks / 4, TimeSpan.TicksPerMillisecond * 500));
        using var gone = new CancellationTokenSource();
        var asking = grace > TimeSpan.Zero ? Task.Delay(grace - insisting, _time, gone.Token) : Task.CompletedTask;
        if (await Task.WhenAny(asking, Exited, _kept.Task) == asking)
        {
            _insist.TrySetResult();
        }

        await gone.CancelAsync();
        await Task.WhenAny(Exited, _kept.Task);
    }

    /// <summary>Lives as long as the process does, or until it is kept. Never throws.</summary>
    internal async Task SuperviseAsync()
    {
        var death = _family.Leader.DeathAsync();
        await Task.WhenAny(death, _stopAsked.Task, _kept.Task);
        lock (_lock)
        {
            _isEnding = !_kept.Task.IsCompleted;
        }

        if (!_isEnding)
        {
            Try(Output.Finish);
            return;
        }

        try
        {
            if (!death.IsCompleted && !_insist.Task.IsCompleted)
            {
                await AskAsync(death);
            }

            // The group at once, so that none of it can start another; a dead leader is not among the living.
            _family.Leader.SignalGroup(Signals.Kill);
            await Insistence.KillAsync(_table, _family.Living, _time, left => Log.Slow(_logger, _label, string.Join(", ", left.Select(entry => entry.Pid))));
        }
        catch (Exception e)
        {
            Log.Confused(_logger, _label, e);
            _family.Leader.SignalGroup(Signals.Kill);
        }

        await death;
        Bury();
    }

    private async Task AskAsync(Task death)
    {
        var everyone = _family.Living();
        _family.Leader.SignalGroup(Signals.Terminate);
        Insistence.Send(_table, [.. everyone.Where(entry => entry.Group != Pid)], Signals.Terminate);
        if (await Task.WhenAny(death, _insist.Task) == death)
        {
            // Its workers were asked too and may still be writing: they get the rest of the grace.
            await Insistence.GoneAsync(_family.Living, _time, _insist.Task);
        }
    }

    private void Bury()
    {
        Try(() =>
        {
            foreach (var orphan in _family.AdoptedDead(_table.All()))
            {
                ExitWait.ReapAdopted(orphan);
            }
        });
        Try(() => _beforeReaping(this));
        Try(Output.Finish);
        var exit = _family.Leader.Reap();
        Log.Gone(_logger, _label, Pid, exit);
        _exited.SetResult(exit);
    }

    private void Try(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e)
        {
            Log.Confused(_logger, _label, e);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(2021, LogLevel.Debug, "{Label} (process {Pid}) is gone: {Exit}.")]
        public static partial void Gone(ILogger logger, string label, int pid, ChildExit exit);

        [LoggerMessage(2022, LogLevel.Warning, "{Label} was killed, but the system does not let go of it yet (processes {Pids}); its memory counts until it does.")]
        public static partial void Slow(ILogger logger, string label, string pids);

        [LoggerMessage(2023, LogLevel.Error, "Ending {Label} did not go as it should; its group was killed.")]
        public static partial void Confused(ILogger logger, string label, Exception exception);
    }
}
