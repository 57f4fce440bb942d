using System.ComponentModel;
using System.Runtime.InteropServices;
using MlxGateway.Mcp.Protocol;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners.Engines;
using ModelContextProtocol.Server;

namespace MlxGateway.Mcp.Tools;

/// <summary>An engine, and where it is.</summary>
internal sealed record EngineState(
    [property: Description("Its name.")] string Name,
    [property: Description("Whether it can be used.")] bool IsFound,
    [property: Description("Its version.")] string? Version,
    [property: Description("Where it is.")] string? Path,
    [property: Description("What installs it.")] string? Install);

/// <summary>The memory of the machine, in bytes.</summary>
internal sealed record MemoryState(
    [property: Description("The most that all models together may ever use.")] long CeilingBytes,
    [property: Description("The most that they may use together now.")] long UsableBytes,
    [property: Description("What those in memory are counted with.")] long PlannedBytes,
    [property: Description("What is free for a further model without anybody leaving.")] long FreeBytes)
{
    /// <summary>What the pool knows.</summary>
    public static MemoryState Of(PoolSnapshot pool) =>
        new(pool.Memory.Ceiling.Bytes, pool.Memory.Usable.Bytes, pool.Planned.Bytes, ByteSize.Max(pool.Memory.Usable - pool.Planned, ByteSize.Zero).Bytes);
}

/// <summary>What this machine is good for.</summary>
internal sealed record EnvironmentReport(
    [property: Description("The answer in words.")] string Message,
    [property: Description("Whether a real language model can be served: an engine and a model are here.")] bool IsReady,
    [property: Description("The operating system.")] string System,
    [property: Description("The kind of processor.")] string Architecture,
    [property: Description("How many processors there are.")] int Processors,
    [property: Description("Whether MLX runs on this machine with its graphics processor: a Mac with Apple silicon.")] bool IsAppleSilicon,
    [property: Description("The memory of the machine.")] MemoryState Memory,
    [property: Description("Where the numbers of the memory come from.")] string MemorySource,
    [property: Description("The engines.")] IReadOnlyList<EngineState> Engines,
    [property: Description("How many models could be served.")] int Models,
    [property: Description("What is lacking, and how to mend it.")] IReadOnlyList<string> Problems);

/// <summary>The tool that looks at the machine.</summary>
internal sealed class EnvironmentTools(IEnumerable<IEngine> engines, IMemoryGauge gauge, ModelView models) : IToolGroup
{
    /// <inheritdoc/>
    public IEnumerable<McpServerTool> Tools =>
    [
        new GatewayTool<NoInput, EnvironmentReport>(
            "check_system_environment",
            "Check the machine",
            "Says what this machine is, how much memory models may use, which engines are installed, how many models are here, and what is lacking to serve one, with the command that mends it.",
            ToolEffect.ReadOnly | ToolEffect.Idempotent,
            CheckAsync),
    ];

    private async Task<EnvironmentReport> CheckAsync(NoInput input, ToolCall call, CancellationToken cancellationToken)
    {
        var found = await Task.WhenAll(engines.Select(e => e.FindAsync(cancellationToken)));
        var (known, pool) = await models.LookAsync(call, cancellationToken);
        var isApple = OperatingSystem.IsMacOS() && RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
        var servable = known.Where(static m => m.Model.Missing is null).ToList();
        var isReal = servable.Exists(static m => m.Model.Origin != ModelOrigin.Demonstration);
        string[] problems =
        [
            .. found.Any(static e => e.IsFound) || found.Length == 0 ? Array.Empty<string>() : [$"No engine is installed. {string.Join(", or ", found.Select(static e => e.Install).Distinct())}"],
            .. isReal ? Array.Empty<string>() : ["No real model is here. recommend_model names some that fit, download_model fetches them."],
        ];
        var names = found.Where(static e => e.IsFound).Select(static e => $"{e.Engine} {e.Version}".TrimEnd()).ToList();
        return new EnvironmentReport(
            $"{RuntimeInformation.OSDescription}, {Environment.ProcessorCount} processors ({RuntimeInformation.ProcessArchitecture}). Models may use {pool.Memory.Usable} now and {pool.Memory.Ceiling} at most. "
                + $"Engines: {(names.Count == 0 ? "none" : string.Join(", ", names))}. Models: {servable.Count}.{(problems.Length == 0 ? "" : $" {string.Join(" ", problems)}")}",
            problems.Length == 0,
            RuntimeInformation.OSDescription,
            RuntimeInformation.ProcessArchitecture.ToString(),
            Environment.ProcessorCount,
            isApple,
            MemoryState.Of(pool),
            gauge.Describe(),
            [.. found.Select(static e => new EngineState(e.Engine, e.IsFound, e.Version, e.Path, e.IsFound ? null : e.Install))],
            servable.Count,
            problems);
    }
}
