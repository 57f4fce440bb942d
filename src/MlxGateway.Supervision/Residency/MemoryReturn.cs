using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Residency;

/// <summary>
/// The memory of a runner that is about to go, until it can be had again: a system may hand back the memory of a device a moment after the process is gone,
/// and a model that is launched before that swaps.
/// </summary>
/// <param name="available">What could be had now without swapping; null: that could not be read.</param>
/// <param name="time">The clock.</param>
/// <param name="taken">What the runner takes without files.</param>
/// <param name="before">What could be had while it still lived.</param>
/// <param name="isHidden">Whether a model has been loading meanwhile, which takes what comes back: nothing can be seen then, and nobody waits for it, because whoever needed it would not be loading yet.</param>
internal sealed class MemoryReturn(Func<ByteSize?> available, TimeProvider time, ByteSize taken, ByteSize? before, Func<bool> isHidden)
{
    /// <summary>How often it is looked.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    /// <summary>When it is waited for no longer: another program may have taken it.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    // Less than that comes and goes by itself.
    private static readonly ByteSize Least = new(64L << 20);

    /// <summary>Waits until three quarters of it are there, since others take and give back meanwhile. To be called when the process is gone.</summary>
    /// <returns>Whether it was seen, or there was nothing to wait for or to be seen.</returns>
    public async Task<bool> WaitAsync()
    {
        if (taken < Least || before is not { } start)
        {
            return true;
        }

        var began = time.GetTimestamp();
        while (!isHidden() && available() is { } now && now.Bytes - start.Bytes < taken.Bytes / 4 * 3)
        {
            if (time.GetElapsedTime(began) >= Longest)
            {
                return false;
            }

            await Task.Delay(Interval, time);
        }

        return true;
    }
}
