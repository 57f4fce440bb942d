using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;

namespace MlxGateway.Supervision.Runners;

/// <summary>A runner that is a child process, its own gateway's or an adopted one.</summary>
internal sealed class RunnerProcess : IRunner
{
    private readonly ChildProcess _child;
    private readonly TimeSpan _grace;
    private readonly RunnerNote _note;

    public RunnerProcess(ModelSpec model, ChildProcess child, Uri address, HttpMessageInvoker connections, RunnerManners manners, IReadOnlyList<string> secrets, RunnerNote note)
    {
        _child = child;
        _grace = GraceFor(model);
        _note = note;
        Address = address;
        Connections = connections;
        Manners = manners;
        Gone = DescribeEndAsync(child, secrets);
    }

    /// <inheritdoc/>
    public Uri Address { get; }

    /// <inheritdoc/>
    public int Pid => _child.Pid;

    /// <inheritdoc/>
    public HttpMessageInvoker Connections { get; }

    /// <inheritdoc/>
    public RunnerManners Manners { get; }

    /// <inheritdoc/>
    public Task<string> Gone { get; }

    /// <summary>How long a runner may take to end by itself: killing one that gives back a large wired memory can strand it, so a large model gets more time.</summary>
    public static TimeSpan GraceFor(ModelSpec model)
    {
        var bytes = (model.Memory ?? model.FileBytes ?? ByteSize.Zero).Bytes;
        return TimeSpan.FromSeconds(Math.Min(120, 5 + (bytes / (4L << 30))));
    }

    /// <inheritdoc/>
    public Task StopAsync()
    {
        // Before the signal: an engine may wait for its clients, and some wait long for idle connections.
        Connections.Dispose();
        return _child.StopAsync(_grace);
    }

    /// <inheritdoc/>
    public Task<bool> KeepAsync()
    {
        // What is still being forwarded ends here: the engine hears that its client has left, and stops working for it.
        Connections.Dispose();
        return Task.Run(() => _child.Keep(_note.ToString()));
    }

    /// <summary>How a child ended and what it said last, for a person and without secrets.</summary>
    public static async Task<string> DescribeEndAsync(ChildProcess child, IReadOnlyList<string> secrets)
    {
        var exit = await child.Exited;
        return LastWord.In(child.Output.Lines()) is { } reason
            ? $"the process ended with {exit}: {SecretFilter.Clean(reason, secrets)}"
            : $"the process ended with {exit}. {LastLines(child, secrets)}";
    }

    /// <summary>The last lines of a child's output in one sentence.</summary>
    public static string LastLines(ChildProcess child, IReadOnlyList<string> secrets)
    {
        var lines = child.Output.Lines().TakeLast(8).Select(l => SecretFilter.Clean(l.Trim(), secrets)).Where(l => l.Length > 0).ToList();
        return lines.Count == 0 ? "It wrote nothing." : $"Its last lines: {string.Join(" | ", lines)}";
    }
}
