using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Checking;

/// <summary>How many files and connections a gateway may have open.</summary>
/// <param name="limit">The hard limit; null: none.</param>
internal sealed class FileLimitCheck(long? limit) : ICheck
{
    // A streamed request takes two connections, a runner half a dozen files; a chat page of ten people opens hundreds when it embeds a document.
    private const long Enough = 4096;
    private const long Scarce = 1024;
    private const string Area = "Open files";

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<Finding>>(
    [
        limit is null or >= Enough
            ? new Finding(Area, Verdict.Ok, limit is { } known ? $"{Spans.Of(known)} may be open at once" : "as many as the system has")
            : new Finding(
                Area,
                limit <= Scarce ? Verdict.Problem : Verdict.Warning,
                $"Only {Spans.Of(limit.Value)} may be open at once, and every connection is one: many clients at a time are refused.",
                OperatingSystem.IsMacOS() ? "sudo launchctl limit maxfiles 65536 524288" : "ulimit -Hn 65536   (as root; as a unit: LimitNOFILE=65536 in its file; in a container: docker run --ulimit nofile=65536)"),
    ]);
}
