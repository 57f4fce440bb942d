using System.IO.Pipes;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlxGateway.Supervision.Processes;

namespace MlxGateway.Supervision.Runners;

/// <summary>One process that waits for its arguments. It ends when its input does: that of a gateway that is gone.</summary>
internal sealed class SpareProcess : IAsyncDisposable
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    private readonly LaunchPlan _plan;
    private readonly SpareStart _start;
    private readonly AnonymousPipeServerStream _input;

    private SpareProcess(ChildProcess child, LaunchPlan plan, SpareStart start, AnonymousPipeServerStream input)
    {
        Child = child;
        _plan = plan;
        _start = start;
        _input = input;
    }

    public ChildProcess Child { get; }

    public bool IsGone => Child.Exited.IsCompleted;

    /// <exception cref="ChildStartException">It could not be started.</exception>
    public static SpareProcess Start(IChildProcesses processes, LaunchPlan plan, SpareStart start)
    {
        // Both ends are close-on-exec: another child that held the writing end would keep this one waiting after our death.
        var input = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.None);
        try
        {
            var child = processes.Start(new ChildCommand
            {
                Label = "spare",
                Executable = plan.Executable,
                Arguments = start.Arguments,
                Environment = RunnerEnvironment.For(plan.Environment, new Dictionary<string, string>()),
                Input = input.ClientSafePipeHandle,
            });
            input.DisposeLocalCopyOfClientHandle();
            return new SpareProcess(child, plan, start, input);
        }
        catch
        {
            input.Dispose();
            throw;
        }
    }

    /// <summary>Tells it what to serve. It need not have come to its wait: what it is told is there when it does.</summary>
    /// <returns>False: it is gone, or it is not what a new process of this plan would be.</returns>
    public bool TryTell(LaunchPlan plan)
    {
        if (IsGone || plan.Spare is not { } start || !IsLike(plan, start))
        {
            return false;
        }

        try
        {
            var told = new JsonObject { ["argv"] = new JsonArray([.. start.Rest.Select(a => (JsonNode)a)]), ["secret"] = plan.Secret?.Value };
            _input.Write([.. JsonSerializer.SerializeToUtf8Bytes(told), (byte)'\n']);
            _input.Dispose();
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Whether a process that was told has heard it. One that has not had nothing to do with the launch.</summary>
    public static bool HasHeard(ChildProcess child) => child.Output.Lines().Any(line => line.StartsWith("{\"event\": \"taken\"", StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        await _input.DisposeAsync();
        await Child.StopAsync(Grace);
        try
        {
            // Only so many logs are kept, and those of runners are worth more.
            File.Delete(Child.Output.LogFilePath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private bool IsLike(LaunchPlan plan, SpareStart start) =>
        start.Stamp == _start.Stamp && plan.Executable == _plan.Executable && start.Arguments.SequenceEqual(_start.Arguments)
        && plan.Environment.Count == _plan.Environment.Count && !plan.Environment.Except(_plan.Environment).Any();
}
