using System.ComponentModel;
using MlxGateway.Inference;
using MlxGateway.Inference.Listing;
using MlxGateway.Inference.Ports;
using MlxGateway.Mcp.Protocol;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Residency;
using ModelContextProtocol.Server;

namespace MlxGateway.Mcp.Tools;

/// <summary>A part of what a model takes.</summary>
internal sealed record PartState([property: Description("What it is.")] string Name, [property: Description("How many bytes.")] long Bytes);

/// <summary>A model.</summary>
internal sealed record ModelState(
    [property: Description("What to name it.")] string Id,
    [property: Description("Other names that it has.")] IReadOnlyList<string> Aliases,
    [property: Description("absent, launching, ready, draining, stopping, cooling (after a failure), or missing: its files are incomplete.")] string State,
    [property: Description("It in a line: size, context, whether it fits.")] string Description,
    [property: Description("What it can do: chat, tools, thinking, vision, embedding, ….")] IReadOnlyList<string> Capabilities,
    [property: Description("The most tokens of one conversation.")] int? ContextWindow,
    [property: Description("What it takes in memory, in bytes.")] long? RequiredBytes,
    [property: Description("What that is made of: weights, KV cache, ….")] IReadOnlyList<PartState> Memory,
    [property: Description("Whether it would get into memory now: loaded, fits, fits_after_swap, fits_with_less_context, does_not_fit_now or never.")] string? Fit,
    [property: Description("Why.")] string? FitReason,
    [property: Description("The bytes of its files.")] long? SizeBytes,
    [property: Description("The engine that serves it.")] string Runner,
    [property: Description("Its process.")] int? Pid,
    [property: Description("The ports that it has for itself.")] IReadOnlyList<int> Ports);

/// <summary>All models.</summary>
internal sealed record ModelReport(
    [property: Description("The answer in words.")] string Message,
    [property: Description("The memory of the machine.")] MemoryState Memory,
    [property: Description("The models.")] IReadOnlyList<ModelState> Models);

/// <summary>What was loaded.</summary>
internal sealed record LoadReport(
    [property: Description("The answer in words.")] string Message,
    [property: Description("The model.")] string Model,
    [property: Description("Its process.")] int? Pid,
    [property: Description("How long its load took, in seconds; not there: it was in memory already.")] double? LoadSeconds);

/// <summary>What was unloaded.</summary>
internal sealed record UnloadReport(
    [property: Description("The answer in words.")] string Message,
    [property: Description("The models whose processes are gone.")] IReadOnlyList<string> Unloaded);

/// <summary>The tools for models, wherever they are asked.</summary>
internal sealed class ModelTools(ModelView models, ModelPorts ports, IModelPool pool, Intake intake, TimeProvider time) : IToolGroup
{
    private static readonly TimeSpan Glance = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public IEnumerable<McpServerTool> Tools =>
    [
        new GatewayTool<NoInput, ModelReport>(
            "list_models",
            "List models",
            "Lists every model of this machine: whether it is in memory, what it takes there and of what that is made, whether it would fit now, and what it can do.",
            ToolEffect.ReadOnly | ToolEffect.Idempotent,
            ListAsync),
        new GatewayTool<ModelInput, LoadReport>(
            "load_model",
            "Load a model",
            "Loads a model into memory ahead of the first request, and answers when it is ready. Idle models leave for it if they must.",
            ToolEffect.Idempotent,
            LoadAsync),
        new GatewayTool<OptionalModelInput, UnloadReport>(
            "unload_model",
            "Unload a model",
            "Takes a model, or all, out of memory once it has answered what it is answering. The next request for it loads it again.",
            ToolEffect.Destructive | ToolEffect.Idempotent,
            UnloadAsync),
        new GatewayTool<NoInput, ExplainReport>(
            "explain",
            "Explain",
            "Says who is in memory and why, who waits for what, what will happen next, and what was decided lately.",
            ToolEffect.ReadOnly | ToolEffect.Idempotent,
            async (_, call, cancellationToken) => ExplainReport.Of((await pool.ExplainAsync(cancellationToken)).Only(model => models.IsFor(model, call)))),
    ];

    private async Task<ModelReport> ListAsync(NoInput input, ToolCall call, CancellationToken cancellationToken)
    {
        var (known, snapshot) = await models.LookAsync(call, cancellationToken);
        var open = ports.All;
        ModelState[] states = [.. known.Select(m => StateOf(m, open))];
        return new ModelReport(
            $"{states.Length} models, {states.Count(static s => s.State == "ready")} of them in memory. {snapshot.Planned} of {snapshot.Memory.Usable} are taken.",
            MemoryState.Of(snapshot),
            states);
    }

    private async Task<LoadReport> LoadAsync(ModelInput input, ToolCall call, CancellationToken cancellationToken)
    {
        if (intake.Refusal is { } refusal)
        {
            throw new ToolFailedException(refusal.Message);
        }

        var model = models.Require(input.ModelName, call);
        if (model.Missing is not null)
        {
            throw new ToolFailedException(Refusals.MissingFiles(model).Message, model.Missing.Contains("hf download ", StringComparison.Ordinal) ? "download_model fetches it." : null);
        }

        // A call that is called off gives up its place; what has been launched stays.
        var begun = time.GetTimestamp();
        var waiting = pool.AcquireAsync(model, LeaseTerms.Person, cancellationToken);
        try
        {
            while (call.WantsProgress && !waiting.IsCompleted)
            {
                await Task.WhenAny(waiting, Task.Delay(Glance, time, cancellationToken));
                var progress = Inference.Waiting.LoadProgress.Of(model.Id, pool.Snapshot.Models.FirstOrDefault(m => m.Id == model.Id), time.GetUtcNow());
                await call.ReportAsync(time.GetElapsedTime(begun).TotalSeconds, null, progress.ToString(), cancellationToken);
            }

            using var lease = await waiting;
            await pool.UntilShownAsync(lease, cancellationToken);
            return new LoadReport($"'{model.Id}' is in memory.", model.Id, lease.Runner.Pid, lease.Loading > TimeSpan.Zero ? lease.Loading.TotalSeconds : null);
        }
        catch (LeaseRefusedException refused)
        {
            throw new ToolFailedException(refused.Message, refused.Shortage is null ? null : "explain says who holds the memory.");
        }
    }

    private async Task<UnloadReport> UnloadAsync(OptionalModelInput input, ToolCall call, CancellationToken cancellationToken)
    {
        string[] which = input.ModelName is { } name
            ? [models.Require(name, call).Id]
            : [.. pool.Snapshot.Models.Where(m => m.State is not (ResidentState.Absent or ResidentState.Cooling) && (m.Spec is null || call.MayUse(m.Spec))).Select(static m => m.Id)];
        await Task.WhenAll(which.Select(m => pool.UnloadAsync(m, cancellationToken)));
        return new UnloadReport(which.Length == 0 ? "No model was in memory." : $"Out of memory: {string.Join(", ", which)}.", which);
    }

    private static ModelState StateOf(KnownModel known, IReadOnlyList<ModelPort> open)
    {
        var entry = Entries.Entry(known, DateTimeOffset.MinValue);
        return new ModelState(
            known.Model.Id,
            entry.Aliases,
            known.Model.Missing is not null ? "missing" : Refusals.StateName(known.Resident?.State ?? ResidentState.Absent),
            known.Describe(),
            entry.Capabilities,
            entry.ContextWindow,
            known.Need?.Total.Bytes,
            [.. (known.Need?.Parts ?? []).Select(static p => new PartState(p.Name, p.Bytes.Bytes))],
            entry.Fit?.Value,
            entry.Fit?.Message,
            entry.SizeBytes,
            entry.Runner,
            known.Resident?.Pid,
            [.. open.Where(p => p.ModelId == known.Model.Id).Select(static p => p.Number)]);
    }
}
