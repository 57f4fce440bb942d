using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>What models may use of what there is. Pure.</summary>
public static class MemoryBudget
{
    /// <summary>The most that models could ever use together: the budget, or all there is if that is less, without the reserve.</summary>
    public static ByteSize Ceiling(MemoryReading reading, MemoryOptions options) => Without(options.Reserve, Bound(reading, options));

    /// <summary>The most that models may use together now.</summary>
    /// <param name="ownUse">What would become available if all runners were gone.</param>
    public static ByteSize Usable(MemoryReading reading, ByteSize ownUse, MemoryOptions options) =>
        // Own use is bounded by the total because shared pages may be counted twice in it.
        Without(options.Reserve, ByteSize.Min(Bound(reading, options), reading.Available + ByteSize.Min(ownUse, reading.Total)));

    /// <summary>The budget in words for a person: <c>23.49 GB of memory (/proc/meminfo), 3.00 GB kept in reserve: models may use 20.49 GB</c>.</summary>
    public static string Describe(MemoryReading reading, MemoryOptions options)
    {
        var budget = options.Budget is { } limit ? $", a budget of {limit}{(limit > reading.Total ? " (more than there is)" : "")}" : "";
        return $"{reading.Total} of memory ({reading.Source}){budget}, {options.Reserve} kept in reserve: models may use {Ceiling(reading, options)}";
    }

    private static ByteSize Bound(MemoryReading reading, MemoryOptions options) => ByteSize.Min(options.Budget ?? reading.Total, reading.Total);

    private static ByteSize Without(ByteSize reserve, ByteSize size) => ByteSize.Max(ByteSize.Zero, size - reserve);
}
