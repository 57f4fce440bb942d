namespace MlxGateway.Supervision.Processes;

/// <summary>Ends processes that must not survive: signals, looks, and does it again until none is left.</summary>
internal static class Insistence
{
    private static readonly TimeSpan ShortestLook = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan LongestLook = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Unusual = TimeSpan.FromSeconds(5);
    private static readonly TaskCompletionSource Never = new();

    /// <summary>Sends a signal to each, in case it is still the same process, and not another that got its number.</summary>
    /// <returns>Those that may be signalled; one that runs as another user cannot be.</returns>
    public static IReadOnlyList<ProcessEntry> Send(IProcessTable table, IReadOnlyList<ProcessEntry> processes, int signal) =>
        processes.Where(process => table.Find(process.Pid) is not { } now || now.Identity != process.Identity || Signals.Send(process.Pid, signal)).ToList();

    /// <summary>Completes when nobody is left, or false when it is given up.</summary>
    /// <param name="living">Who is left.</param>
    /// <param name="time">Whose time it is.</param>
    /// <param name="giveUp">Ends the waiting.</param>
    public static async Task<bool> GoneAsync(Func<IReadOnlyList<ProcessEntry>> living, TimeProvider time, Task giveUp)
    {
        for (var look = ShortestLook; living().Count > 0; look = Longer(look))
        {
            if (giveUp.IsCompleted)
            {
                return false;
            }

            await Task.WhenAny(Task.Delay(look, time), giveUp);
        }

        return true;
    }

    /// <summary>Kills until nobody is left whom we may kill: while one is being killed it may still fork another.</summary>
    /// <param name="table">Where they are looked up.</param>
    /// <param name="living">Who is left.</param>
    /// <param name="time">Whose time it is.</param>
    /// <param name="slow">Called once, if the system takes unusually long to let go of them, with those it holds.</param>
    public static async Task KillAsync(IProcessTable table, Func<IReadOnlyList<ProcessEntry>> living, TimeProvider time, Action<IReadOnlyList<ProcessEntry>> slow)
    {
        IReadOnlyList<ProcessEntry> left = [];
        IReadOnlyList<ProcessEntry> KillAll() => left = Send(table, living(), Signals.Kill);

        if (!await GoneAsync(KillAll, time, Task.Delay(Unusual, time)))
        {
            slow(left);
            await GoneAsync(KillAll, time, Never.Task);
        }
    }

    private static TimeSpan Longer(TimeSpan look) => look * 2 < LongestLook ? look * 2 : LongestLook;
}
