using System.ComponentModel;
using System.Globalization;
using MlxGateway.Inference;
using MlxGateway.Mcp.Protocol;
using MlxGateway.Supervision.Downloads;
using MlxGateway.Supervision.Models;
using ModelContextProtocol.Server;

namespace MlxGateway.Mcp.Tools;

/// <summary>A model of the Hub.</summary>
internal sealed record FoundModel(
    [property: Description("What to give to download_model or launch_llm_server.")] string Id,
    [property: Description("How often it was fetched in the last month.")] long Downloads,
    [property: Description("How many people like it.")] long Likes,
    [property: Description("How many bytes would be fetched.")] long? SizeBytes,
    [property: Description("Whether it can be served on this machine; not there: not known.")] bool? RunsHere,
    [property: Description("Why it does or does not, or why that is not known.")] string Why);

/// <summary>What the Hub has.</summary>
internal sealed record SearchReport([property: Description("The answer in words.")] string Message, [property: Description("The models, those made for MLX first.")] IReadOnlyList<FoundModel> Models);

/// <summary>What was fetched.</summary>
internal sealed record DownloadReport(
    [property: Description("The answer in words.")] string Message,
    [property: Description("What the model is called here.")] string Model,
    [property: Description("How many bytes it has.")] long Bytes);

/// <summary>The tools that go out to the Hugging Face Hub.</summary>
internal sealed class HubTools(ModelCatalog catalog, IModelHub hub, IModelDownloads downloads) : IToolGroup
{
    private const int MostAsked = 100;

    // The Hub orders by downloads, and most downloads are of models in other forms than MLX's.
    private const int Wider = 5;

    /// <inheritdoc/>
    public IEnumerable<McpServerTool> Tools =>
    [
        new GatewayTool<SearchInput, SearchReport>(
            "search_mlx_models",
            "Search the Hub",
            "Searches the Hugging Face Hub for models by name, with size and whether each would run on this machine; those made for MLX come first.",
            ToolEffect.ReadOnly | ToolEffect.Idempotent | ToolEffect.OpenWorld,
            (input, _, cancellationToken) => SearchAsync(input, cancellationToken)),
        new GatewayTool<DownloadInput, DownloadReport>(
            "download_model",
            "Download a model",
            "Downloads a model from the Hugging Face Hub, tells how far it is, and answers when all of it is here. It goes on if the call is called off; another call joins it.",
            ToolEffect.Idempotent | ToolEffect.OpenWorld,
            DownloadAsync),
    ];

    private async Task<SearchReport> SearchAsync(SearchInput input, CancellationToken cancellationToken)
    {
        if (input.Limit is < 1 or > MostAsked)
        {
            throw new ToolFailedException($"{input.Limit} is no limit.", "Give limit as a number from 1 to 100.");
        }

        if (string.IsNullOrWhiteSpace(input.SearchQuery))
        {
            throw new ToolFailedException("search_query is empty.", "Name what to look for, for example: qwen3 4bit.");
        }

        try
        {
            var found = await hub.SearchAsync(input.SearchQuery.Trim(), Math.Min(MostAsked, input.Limit * Wider), cancellationToken);
            FoundModel[] models =
            [
                .. found.OrderByDescending(static m => m.Id.Contains("mlx", StringComparison.OrdinalIgnoreCase)).Take(input.Limit)
                    .Select(static m => new FoundModel(m.Id, m.Downloads, m.Likes, m.Size?.Bytes, m.RunsHere, m.Why)),
            ];
            return new SearchReport(
                models.Length == 0
                    ? $"The Hub has nothing for '{input.SearchQuery}'. Fewer words find more."
                    : string.Join(" ", models.Select(static m => $"{m.Id} ({(m.SizeBytes is { } bytes ? new ByteSize(bytes).ToString() : "size unknown")}, {m.RunsHere switch { true => "runs here", false => "does not run here", _ => "may run here" }}).")),
                models);
        }
        catch (HubException refused)
        {
            throw new ToolFailedException(refused.Message);
        }
    }

    private async Task<DownloadReport> DownloadAsync(DownloadInput input, ToolCall call, CancellationToken cancellationToken)
    {
        if (catalog.Current.Resolve(input.ModelName) is { Missing: null } here && call.MayUse(here))
        {
            return new DownloadReport($"'{here.Id}' is here already.", here.Id, here.FileBytes?.Bytes ?? 0);
        }

        var last = downloads.Start(input.ModelName);
        await foreach (var status in downloads.WatchAsync(input.ModelName, cancellationToken))
        {
            last = status;
            await call.ReportAsync(status.Done.Bytes, status.Total?.Bytes, Say(status), cancellationToken);
        }

        if (last is { State: not DownloadState.Succeeded, Code: "invalid_request" } && catalog.Current.Resolve(input.ModelName) is { Missing: not null } local && call.MayUse(local))
        {
            throw new ToolFailedException($"{Refusals.MissingFiles(local).Message} It does not come from the Hub.", "Put its files there, or correct its Source in the configuration.");
        }

        if (last.State != DownloadState.Succeeded)
        {
            throw new ToolFailedException(
                last.Error ?? $"The download of '{input.ModelName}' was ended before all of it was here.",
                last.State == DownloadState.Cancelled ? "What has come stays; call download_model again to go on." : null);
        }

        var name = last.Model ?? catalog.Current.Resolve(input.ModelName)?.Id ?? input.ModelName;
        return new DownloadReport($"'{name}' is here ({last.Done}). load_model loads it, launch_llm_server gives it a port of its own.", name, last.Done.Bytes);
    }

    private static string Say(DownloadStatus status)
    {
        if (status.State is DownloadState.Waiting or DownloadState.Preparing)
        {
            return status.State == DownloadState.Waiting ? "others are fetched before it" : "asks the Hub what there is";
        }

        var of = status.Total is { } total ? $" of {total}" : "";
        var rate = status.BytesPerSecond is { } bytes ? $", {new ByteSize((long)bytes)}/s" : "";
        var left = status.Remaining is { } time ? string.Create(CultureInfo.InvariantCulture, $", {Math.Ceiling(time.TotalSeconds):0} s to go") : "";
        return $"{status.Done}{of}{rate}{left}{(status.File is null ? "" : $" ({status.File})")}";
    }
}
