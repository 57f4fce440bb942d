using System.ComponentModel;
using MlxGateway.Mcp.Protocol;
using MlxGateway.Mcp.Recommending;
using ModelContextProtocol.Server;

namespace MlxGateway.Mcp.Tools;

/// <summary>What could be used for a task.</summary>
internal sealed record RecommendReport(
    [property: Description("The answer in words.")] string Message,
    [property: Description("The memory of the machine.")] MemoryState Memory,
    [property: Description("Models that are here, the best choice first.")] IReadOnlyList<Recommendation> OnDisk,
    [property: Description("Models that download_model fetches, the best choice first.")] IReadOnlyList<Recommendation> ToDownload);

/// <summary>The tool that names models for a task.</summary>
internal sealed class RecommendTools(ModelView models) : IToolGroup
{
    private const int Most = 20;

    /// <inheritdoc/>
    public IEnumerable<McpServerTool> Tools =>
    [
        new GatewayTool<RecommendInput, RecommendReport>(
            "recommend_model",
            "Recommend a model",
            "Names models for chat, code or vision that fit into the memory of this machine, with the arithmetic: first those that are on disk, then well-known ones to download.",
            ToolEffect.ReadOnly | ToolEffect.Idempotent,
            RecommendAsync),
    ];

    private async Task<RecommendReport> RecommendAsync(RecommendInput input, ToolCall call, CancellationToken cancellationToken)
    {
        if (!Recommender.Tasks.Contains(input.Task))
        {
            throw new ToolFailedException($"'{input.Task}' is no task that models are named for.", $"Give one of {string.Join(", ", Recommender.Tasks)}.");
        }

        if (input.Limit is < 1 or > Most)
        {
            throw new ToolFailedException($"{input.Limit} is no limit.", $"Give limit as a number from 1 to {Most}.");
        }

        var (known, pool) = await models.LookAsync(call, cancellationToken);
        var here = Recommender.OnDisk(input.Task, known, pool, input.Limit);
        var there = Recommender.ToDownload(input.Task, known, pool, input.Limit);
        string[] sentences =
        [
            here.Count > 0 ? $"For {input.Task} of what is here: {here[0].Model} ({here[0].Arithmetic})." : $"Nothing that is here and fits is for {input.Task}.",
            there.Count > 0 ? $"To download: {there[0].Model} ({there[0].Arithmetic})." : $"No well-known model for {input.Task} fits into {pool.Memory.Ceiling}.",
        ];
        return new RecommendReport(string.Join(" ", sentences), MemoryState.Of(pool), here, there);
    }
}
