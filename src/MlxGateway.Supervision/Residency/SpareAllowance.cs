using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Residency;

/// <summary>Tells the process that waits for the next model how much memory is free, and has memory read now and then while there is one: nobody else may ask for long.</summary>
internal sealed class SpareAllowance(ISpareRunners spares, MemoryWatch memory, TimeProvider time)
{
    /// <summary>How old a reading becomes while a process waits.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private ITimer? _timer;

    /// <summary>To be called by the pool's loop with every reading.</summary>
    public void Tell(ByteSize free)
    {
        spares.Allow(free);
        _timer ??= time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(Interval, Timeout.InfiniteTimeSpan);
    }

    // What is read comes back as the next thing to tell.
    private void Look()
    {
        if (spares.Pid is not null)
        {
            memory.ReadInBackground();
        }
    }
}
