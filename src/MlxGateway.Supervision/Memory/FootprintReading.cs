using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>What a runner, its process and whatever belongs to it, takes at one moment.</summary>
/// <param name="Private">Memory without a file behind it, and locked pages of files; what would become available if it were gone.</param>
/// <param name="Mapped">Pages in memory of files that it maps: the weights, where the engine maps them, and the programs' own, which are some MB. They are available as they are, but it needs them.</param>
/// <param name="Peak">
/// The most that both together ever were since the processes began, as the kernel noted it, so that what came and went between two readings is in it. Never below <see cref="Taken"/>.
/// Exact for one process; for several the sum of what each took at most, though not all at once; what has ended by now is not in it.
/// </param>
public readonly record struct FootprintReading(ByteSize Private, ByteSize Mapped, ByteSize Peak)
{
    /// <summary>What it takes, comparable with an estimate made of weights, caches and overhead.</summary>
    public ByteSize Taken => Private + Mapped;
}
