using System.Globalization;
using System.Text.RegularExpressions;
using MlxGateway.Inference;
using MlxGateway.Inference.Ports;
using MlxGateway.Mcp.Protocol;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Mcp.Tools;

/// <summary>Launches models on ports as people know it from servers that they start by hand: what must fail fails at once and says why, and what takes longer is not waited for to its end.</summary>
internal sealed partial class ServerLaunch(ModelPorts ports, ModelView models, ServerStates states, IModelPool pool, Intake intake, TimeProvider time)
{
    private const double UsualRequirement = 4.0;
    private const double MostGigabytes = 1e6;

    // How long a launch is looked at before it is called well begun.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(1);

    /// <summary>Serves a model on a free port.</summary>
    public async Task<LaunchReport> LaunchAsync(LaunchInput input, ToolCall call, CancellationToken cancellationToken)
    {
        CheckIntake();
        CheckPort(input.Port);
        CheckRequirement(input.MemoryRequirementGb);
        if (ports.Find(input.Port) is { } taken)
        {
            throw InUse(input.Port, taken);
        }

        var model = models.Find(input.ModelName, call);
        var mustFetch = model is { Missing: not null } || (model is null && Repository().IsMatch(input.ModelName));
        model ??= mustFetch ? new ModelSpec { Id = input.ModelName, Runner = KindNames.MlxLm } : models.Require(input.ModelName, call);
        if (mustFetch && !call.MayUse(model))
        {
            throw new ToolFailedException(Refusals.NotAllowed(model, call.Caller!).Message);
        }

        var port = Open(input.Port, model);
        try
        {
            await CheckMemoryAsync(model, input.MemoryRequirementGb, leaving: null, cancellationToken);
            if (await BeginAsync(port, mustFetch, call, cancellationToken) is { } error)
            {
                throw new ToolFailedException(error.Message);
            }
        }
        catch
        {
            ports.Close(port);
            throw;
        }

        ports.Remember(port);
        return Report(port, "is served");
    }

    /// <summary>Ends the model of a port and launches it, or another one, anew.</summary>
    public async Task<LaunchReport> RestartAsync(RestartInput input, ToolCall call, CancellationToken cancellationToken)
    {
        CheckIntake();
        CheckRequirement(input.MemoryRequirementGb ?? UsualRequirement);
        var port = Require(input.Port, call);
        var model = input.ModelName is { } name ? models.Require(name, call) : models.Require(port.ModelId, call);
        var before = port.ModelId;
        if (model.Missing is not null)
        {
            throw new ToolFailedException(Refusals.MissingFiles(model).Message);
        }

        // Before anything is ended for it, and once more when the memory is really back.
        await CheckMemoryAsync(model, input.MemoryRequirementGb ?? UsualRequirement, leaving: SharesModel(port, before) ? null : before, cancellationToken);
        await LeaveAsync(port, before, call, cancellationToken);
        await CheckMemoryAsync(model, input.MemoryRequirementGb ?? UsualRequirement, leaving: null, cancellationToken);
        if (model.Id != before)
        {
            ports.Assign(port, model.Id);
        }

        // The port stays, as it was there before: a client that asks there is told the same, or served if it works by then.
        return await BeginAsync(port, mustFetch: false, call, cancellationToken) is { } error ? throw new ToolFailedException(error.Message, $"Port {port.Number} stays open; the next request there tries it again.") : Report(port, "is served anew");
    }

    /// <summary>Ends the server on a port.</summary>
    public async Task<ShutdownReport> ShutDownAsync(PortInput input, ToolCall call, CancellationToken cancellationToken)
    {
        var port = Require(input.Port, call);
        ports.Close(port);
        await LeaveAsync(port, port.ModelId, call, cancellationToken);
        return new ShutdownReport($"The server on port {port.Number} is shut down{(SharesModel(port, port.ModelId) ? $"; '{port.ModelId}' stays in memory for another port that serves it" : $", and '{port.ModelId}' has left memory")}.", port.Number, port.ModelId);
    }

    /// <summary>The server on this port.</summary>
    /// <exception cref="ToolFailedException">There is none of this gateway's, or the caller may not use its model.</exception>
    private ModelPort Require(int number, ToolCall call)
    {
        CheckPort(number);
        var port = ports.Find(number) ?? throw new ToolFailedException($"No server of this gateway runs on port {number}.", "list_running_servers names those that do; launch_llm_server starts one.");
        _ = models.Find(port.ModelId, call);
        return port;
    }

    private void CheckIntake()
    {
        if (intake.Refusal is { } refusal)
        {
            throw new ToolFailedException(refusal.Message);
        }
    }

    internal static void CheckPort(int number)
    {
        if (number is < 1 or > ushort.MaxValue)
        {
            throw new ToolFailedException($"{number} is not a port.", "Choose a number from 1 to 65535; from 1024 on no special rights are needed.");
        }
    }

    private static void CheckRequirement(double gigabytes)
    {
        if (!(gigabytes is >= 0 and <= MostGigabytes))
        {
            throw new ToolFailedException(string.Create(CultureInfo.InvariantCulture, $"{gigabytes} is no amount of memory."), "Give memory_requirement_gb as gigabytes, 0 for none.");
        }
    }

    private async Task CheckMemoryAsync(ModelSpec model, double requirement, string? leaving, CancellationToken cancellationToken)
    {
        if (await models.RoomForAsync(model, leaving, cancellationToken) is { } room && room < ByteSize.FromGigabytes(requirement))
        {
            throw new ToolFailedException(
                string.Create(CultureInfo.InvariantCulture, $"Insufficient memory. Only {room.Bytes / (double)(1L << 30):0.00}GB available, but at least {requirement:0.0##}GB is requested to launch this model safely."),
                "unload_model frees memory, explain says who holds it, and recommend_model names models that fit.");
        }
    }

    // Null: it is ready, or well on its way.
    private async Task<GatewayError?> BeginAsync(ModelPort port, bool mustFetch, ToolCall call, CancellationToken cancellationToken)
    {
        var begun = time.GetTimestamp();

        // It belongs to the port and not to this call: whoever gets no answer finds it there.
        var load = mustFetch ? ports.FetchAndLoadAsync(port, LeaseTerms.Person, CancellationToken.None) : ports.LoadAsync(port, LeaseTerms.Person, CancellationToken.None);

        // One timer for all of it: the rest of a wait, asked for again by a timer that fired a moment early, is less than a timer can wait, and the loop would spin.
        var patience = Task.Delay(Patience, time, cancellationToken);
        while (!load.IsCompleted && !patience.IsCompleted)
        {
            await Task.WhenAny(load, patience, Task.Delay(Glance, time, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
            await call.ReportAsync(time.GetElapsedTime(begun).TotalSeconds, null, $"'{port.ModelId}': {states.Of(port).State}", cancellationToken);
        }

        return load.IsCompleted ? await load : null;
    }

    // What is being answered is answered to its end first.
    private async Task LeaveAsync(ModelPort port, string modelId, ToolCall call, CancellationToken cancellationToken)
    {
        if (SharesModel(port, modelId))
        {
            return;
        }

        var begun = time.GetTimestamp();
        var gone = pool.UnloadAsync(modelId, cancellationToken);
        while (!gone.IsCompleted)
        {
            await Task.WhenAny(gone, Task.Delay(Glance, time, cancellationToken));
            var open = pool.Snapshot.Models.FirstOrDefault(m => m.Id == modelId)?.Leases ?? 0;
            await call.ReportAsync(time.GetElapsedTime(begun).TotalSeconds, null, open > 0 ? $"'{modelId}' answers {open} more" : $"'{modelId}' stops", cancellationToken);
        }

        await gone;
    }

    private bool SharesModel(ModelPort port, string modelId) => ports.All.Any(p => p != port && p.ModelId == modelId);

    private LaunchReport Report(ModelPort port, string what)
    {
        var state = states.Of(port);
        var progress = state.State switch
        {
            "ready" => "It is ready.",
            "downloading" => "It is still being downloaded, and is loaded as soon as it is here; requests to the port wait for it.",
            "waiting" => "It still waits for room in memory; requests to the port wait for it.",
            _ => "It is still loading; requests to the port wait for it.",
        };
        var process = state.Pid is { } pid ? string.Create(CultureInfo.InvariantCulture, $" (process {pid})") : "";
        return new LaunchReport($"'{port.ModelId}' {what} on port {port.Number}{process}: {state.Url}. {progress}{Crowd(port)}", port.Number, port.ModelId, state.Url, state.State, state.Pid);
    }

    // Who launches a second server expects two models in memory.
    private string Crowd(ModelPort port)
    {
        var most = pool.Snapshot.MaxResident;
        string[] others = [.. ports.All.Select(static p => p.ModelId).Where(m => m != port.ModelId).Distinct(StringComparer.Ordinal).Select(static m => $"'{m}'")];
        return most == 0 || others.Length < most
            ? ""
            : $" At most {most} {(most == 1 ? "model is" : "models are")} in memory at once (MlxGateway:Residency:MaxResident), so {string.Join(" and ", others)} may leave for it when idle; the other ports stay, and a request there swaps its model back.";
    }

    // ORG/NAME, as the Hub calls its repositories, and perhaps which of its files.
    [GeneratedRegex(@"^[\w.-]+/[\w.-]+(:[\w.-]+)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Repository();

    private ModelPort Open(int number, ModelSpec model)
    {
        try
        {
            return ports.Open(number, model.Id);
        }
        catch (PortHeldException held)
        {
            throw held.Obstacle switch
            {
                PortObstacle.AnotherModel when ports.Find(number) is { } taken => InUse(number, taken), // somebody was a moment earlier
                PortObstacle.TheGateway => InUse(number, "The gateway itself is asked there: it serves every model. Choose another port."),
                PortObstacle.NotAllowed => new ToolFailedException($"Port {number} may not be listened on: {held.Message}.", "Choose a port from 1024 on."),
                PortObstacle.Other => new ToolFailedException($"Port {number} cannot be listened on: {held.Message}.", "Choose another port."),
                _ => InUse(number, "Another program listens there. Choose another port."),
            };
        }
    }

    private static ToolFailedException InUse(int port, ModelPort taken) => InUse(port, $"It serves '{taken.ModelId}': restart_llm_server gives it another model, shutdown_llm_server ends it.");

    private static ToolFailedException InUse(int port, string advice) => new($"Port {port} is already in use.", advice);
}
