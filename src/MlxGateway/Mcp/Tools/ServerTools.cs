using System.ComponentModel;
using MlxGateway.Inference;
using MlxGateway.Inference.Ports;
using MlxGateway.Mcp.Protocol;
using MlxGateway.Supervision.Residency;
using ModelContextProtocol.Server;

namespace MlxGateway.Mcp.Tools;

/// <summary>What is on a port.</summary>
internal sealed record PortReport(
    [property: Description("The answer in words.")] string Message,
    [property: Description("Whether a model can be asked there.")] bool IsRunning,
    [property: Description("The server of one model that this gateway has there; none: there is none.")] ServerState? Server,
    [property: Description("The models that another program on this port says it serves.")] IReadOnlyList<string> ForeignModels);

/// <summary>All servers of this gateway.</summary>
internal sealed record ServerList(
    [property: Description("The answer in words.")] string Message,
    [property: Description("The models that have a port of their own.")] IReadOnlyList<ServerState> Servers,
    [property: Description("The models that are in memory without one: they are asked at the gateway.")] IReadOnlyList<string> WithoutPort);

/// <summary>What was launched.</summary>
internal sealed record LaunchReport(
    [property: Description("The answer in words.")] string Message,
    [property: Description("The port.")] int Port,
    [property: Description("The model that is served there.")] string Model,
    [property: Description("What to give an OpenAI client as its base URL.")] string Url,
    [property: Description("ready, loading, waiting (for room in memory) or downloading.")] string State,
    [property: Description("The process that runs it; none: it has not begun.")] int? Pid);

/// <summary>What was shut down.</summary>
internal sealed record ShutdownReport(
    [property: Description("The answer in words.")] string Message,
    [property: Description("The port.")] int Port,
    [property: Description("The model that was served there.")] string Model);

/// <summary>The tools that launch models on ports of their own, and look after them.</summary>
internal sealed class ServerTools(ModelPorts ports, ServerStates states, ServerLaunch launch, PortProbe probe, ModelView models, IModelPool pool) : IToolGroup
{
    /// <inheritdoc/>
    public IEnumerable<McpServerTool> Tools =>
    [
        new GatewayTool<PortInput, PortReport>(
            "check_llm_status",
            "Check a server",
            "Says whether a language model is served on a port of this machine, which one, and whether it is ready, loading or unloaded.",
            ToolEffect.ReadOnly | ToolEffect.Idempotent,
            CheckAsync),
        new GatewayTool<NoInput, ServerList>(
            "list_running_servers",
            "List servers",
            "Lists the language models that have a port of their own on this machine, with state, process and memory, and those in memory without one.",
            ToolEffect.ReadOnly | ToolEffect.Idempotent,
            ListAsync),
        new GatewayTool<LaunchInput, LaunchReport>(
            "launch_llm_server",
            "Launch a server",
            "Serves a model on a port of its own, OpenAI-compatible, at http://127.0.0.1:PORT/v1. Fails at once if the port is taken, memory is short or the process ends; otherwise waits up to 10 s, and says whether it is ready, still loading, or still being downloaded.",
            ToolEffect.OpenWorld,
            launch.LaunchAsync),
        new GatewayTool<RestartInput, LaunchReport>(
            "restart_llm_server",
            "Restart a server",
            "Ends the model of a port, once it has answered what it is answering, and launches it anew, or another model in its place.",
            ToolEffect.Destructive,
            launch.RestartAsync),
        new GatewayTool<PortInput, ShutdownReport>(
            "shutdown_llm_server",
            "Shut a server down",
            "Closes a port that launch_llm_server opened and unloads its model, once it has answered what it is answering.",
            ToolEffect.Destructive,
            launch.ShutDownAsync),
    ];

    private async Task<PortReport> CheckAsync(PortInput input, ToolCall call, CancellationToken cancellationToken)
    {
        ServerLaunch.CheckPort(input.Port);
        if (ports.IsOwn(input.Port))
        {
            return new PortReport($"Port {input.Port} is the gateway's own: every model of list_models is asked there, by its name.", true, null, []);
        }

        if (ports.Find(input.Port) is { } port)
        {
            _ = models.Find(port.ModelId, call);
            var state = states.Of(port);
            var more = state.State switch
            {
                "unloaded" => ", not in memory now; the next request loads it",
                "failed" => $": {state.Trouble}",
                _ => state.Pid is { } pid ? $", process {pid}, answering {state.Requests}" : "",
            };
            return new PortReport($"Port {input.Port} serves '{port.ModelId}' at {state.Url}: {state.State}{more}.", true, state, []);
        }

        var (listens, served) = await probe.LookAsync(input.Port, cancellationToken);
        return served is not null
            ? new PortReport($"Port {input.Port} is another program's that is no server of this gateway; it says that it serves {(served.Count == 0 ? "no model" : string.Join(", ", served))}.", true, null, served)
            : new PortReport(listens ? $"Something listens on port {input.Port}, but no language model is served there." : $"Nothing listens on port {input.Port}. launch_llm_server starts a server there.", false, null, []);
    }

    private Task<ServerList> ListAsync(NoInput input, ToolCall call, CancellationToken cancellationToken)
    {
        ServerState[] servers = [.. ports.All.Where(p => MaySee(p, call)).Select(states.Of)];
        string[] others =
        [
            .. pool.Snapshot.Models
                .Where(m => m.State is not (ResidentState.Absent or ResidentState.Cooling) && !servers.Any(s => s.Model == m.Id) && (m.Spec is null || call.MayUse(m.Spec)))
                .Select(static m => m.Id),
        ];
        var list = servers.Length == 0
            ? "No model has a port of its own; launch_llm_server gives it one."
            : string.Join(" ", servers.Select(static s => $"Port {s.Port}: '{s.Model}', {s.State}{(s.Pid is { } pid ? $", process {pid}" : "")}."));
        return Task.FromResult(new ServerList(others.Length == 0 ? list : $"{list} In memory without a port: {string.Join(", ", others)}.", servers, others));
    }

    private bool MaySee(ModelPort port, ToolCall call)
    {
        try
        {
            _ = models.Find(port.ModelId, call);
            return true;
        }
        catch (ToolFailedException)
        {
            return false;
        }
    }
}
