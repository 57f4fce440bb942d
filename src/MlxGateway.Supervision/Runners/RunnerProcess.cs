using System.Net;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;

namespace MlxGateway.Supervision.Runners;

/// <summary>A runner that is a child process, its own gateway's or an adopted one.</summary>
internal sealed class RunnerProcess : IRunner, IVitals
{
    private const int Sigkill = 9;

    // What hangs seldom listens to SIGTERM either, and everybody waits for its successor.
    private static readonly TimeSpan GraceOfAHungOne = TimeSpan.FromSeconds(2);

    private readonly ChildProcess _child;
    private readonly ReadyProbe _question;
    private readonly RunnerNote _note;
    private readonly RunnerPulse _pulse = new();
    private TimeSpan _grace;
    private volatile bool _isStopping;

    public RunnerProcess(ModelSpec model, ChildProcess child, Uri address, RunnerManners manners, IReadOnlyList<string> secrets, RunnerNote note)
    {
        _child = child;
        _question = note.Question?.ToProbe() ?? new ReadyProbe(HttpMethod.Get, note.ReadyPaths.Count > 0 ? note.ReadyPaths[0] : "/v1/models");
        _grace = GraceFor(model);
        _note = note;
        Address = address;
        Connections = RunnerConnections.Open(note.Secret, _pulse);
        Manners = manners;
        Gone = EndAsync(secrets);
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
    public Task<RunnerEnd> Gone { get; }

    /// <inheritdoc/>
    public IVitals Vitals => this;

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
        _isStopping = true;
        return _child.StopAsync(_grace);
    }

    /// <inheritdoc/>
    public bool HasSpoken() => _pulse.Take();

    /// <inheritdoc/>
    public TimeSpan? ProcessorTime() => _child.ProcessorTime();

    /// <inheritdoc/>
    public bool WaitsBusily => _note.WaitsBusily;

    /// <inheritdoc/>
    public void GiveUp() => _grace = GraceOfAHungOne;

    /// <inheritdoc/>
    public async Task<bool> AnswersAsync(CancellationToken cancellationToken)
    {
        using var connections = RunnerConnections.Open(_note.Secret);
        try
        {
            using var request = _question.ToRequest(Address);
            using var response = await connections.SendAsync(request, cancellationToken);

            // Some say 200 before they have generated anything.
            await response.Content.CopyToAsync(Stream.Null, cancellationToken);

            // 501: it generates no text at all, as one that is there for embeddings.
            return _question.Json is null || _question.TakesAnyAnswer || response.StatusCode is < HttpStatusCode.InternalServerError or HttpStatusCode.NotImplemented;
        }
        catch (Exception failed) when (failed is HttpRequestException or IOException or OperationCanceledException)
        {
            return false;
        }
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

    /// <summary>Whether an exit was by SIGKILL: by the system, or by somebody who has nothing to do with us.</summary>
    public static bool IsKill(ChildExit exit) => exit.Signal == Sigkill;

    /// <summary>The last lines of a child's output in one sentence.</summary>
    public static string LastLines(ChildProcess child, IReadOnlyList<string> secrets)
    {
        var lines = child.Output.NewestLines().TakeLast(8).Select(l => SecretFilter.Clean(l.Trim(), secrets)).Where(l => l.Length > 0).ToList();
        return lines.Count == 0 ? "It wrote nothing." : $"Its last lines: {string.Join(" | ", lines)}";
    }

    private async Task<RunnerEnd> EndAsync(IReadOnlyList<string> secrets)
    {
        var how = await DescribeEndAsync(_child, secrets);
        return new RunnerEnd(how, !_isStopping && IsKill(await _child.Exited));
    }
}
