using System.Globalization;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Residency;

/// <summary>Why a caller gets no lease, in words for a person. The only place where the pool's refusals are worded.</summary>
internal sealed record Refusal(RefusalReason Reason, string Message, TimeSpan? RetryAfter = null, MemoryShortage? Shortage = null)
{
    // A gateway that is being restarted is back in about this time.
    private static readonly TimeSpan RestartTime = TimeSpan.FromSeconds(10);

    public static Refusal QueueFull(string model, int limit, TimeSpan retryAfter) =>
        new(RefusalReason.QueueFull, $"The request for {model} cannot wait: {Number(limit)} requests wait already, and QueueLimit allows no more. Try again in a moment.", retryAfter);

    public static Refusal Yielded(string model, TimeSpan waited) =>
        new(RefusalReason.Yielded, $"This is background work for {model}, and people had the machine for {Seconds(waited)}. Try again when it is quieter.", TimeSpan.FromSeconds(60));

    public static Refusal PlaceYielded(string model, int limit) =>
        new(RefusalReason.Yielded, $"This is background work for {model}, and a person's request has its place in the queue, of which QueueLimit allows no more than {Number(limit)}. Try again when it is quieter.", TimeSpan.FromSeconds(60));

    public static Refusal NoRoomAhead(string model, MemoryNeed need) =>
        new(RefusalReason.Yielded, $"There is no room for {model} ({need.Total}: {need.Reason}) beside what is in memory, and nothing is evicted for a model that is loaded ahead. It is loaded when somebody asks for it.", TimeSpan.FromSeconds(60));

    public static Refusal ShuttingDown() =>
        new(RefusalReason.ShuttingDown, "The gateway is shutting down and takes no new requests. Try again when it is back.", RestartTime);

    public static Refusal LaunchFailed(string model, string why, TimeSpan retryAfter) =>
        new(RefusalReason.LaunchFailed, $"{model} failed: {why.TrimEnd()}\nIt is tried again after {Seconds(retryAfter)}.", retryAfter);

    /// <param name="best">The most that the model could ever have.</param>
    public static Refusal NeverFits(string model, MemoryNeed need, ByteSize best, MemoryShortage shortage) => new(
        RefusalReason.InsufficientMemory,
        $"{Only(best, need, model)} {AtMost(best, shortage.Budget)} Use a smaller model or a stronger quantisation, or give models more memory (Memory:Budget, Memory:Reserve).",
        RetryAfter: null,
        shortage);

    /// <param name="best">The most that the model could have now, with everything evicted that may be.</param>
    public static Refusal DoesNotFitNow(string model, MemoryNeed need, ByteSize best, MemoryShortage shortage, TimeSpan retryAfter) => new(
        RefusalReason.InsufficientMemoryNow,
        $"{Only(best, need, model)} Other programs hold the rest: close some of them, or try again later.",
        retryAfter,
        shortage);

    public static Refusal MemoryUnknown(string model, MemoryNeed need, MemoryShortage shortage, TimeSpan retryAfter) => new(
        RefusalReason.InsufficientMemoryNow,
        $"At least {need.Total} is needed for {model} ({need.Reason}), but the machine's memory could not be read. Try again later; the gateway's log says what failed.",
        retryAfter,
        shortage);

    public LeaseRefusedException ToException() => new(Message, Reason, RetryAfter, Shortage);

    private static string Only(ByteSize best, MemoryNeed need, string model) =>
        $"Only {ByteSize.Max(best, ByteSize.Zero)} available, but at least {need.Total} is needed for {model} ({need.Reason}).";

    private static string AtMost(ByteSize best, ByteSize ceiling) => best < ceiling
        ? $"Models may use {ceiling} on this machine, and pinned models hold {ceiling - best} of it."
        : "That is all that models may use on this machine.";

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, Math.Ceiling(time.TotalSeconds)):0} s");

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
