using MlxGateway.Inference.Waiting;
using MlxGateway.Supervision.Downloads;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference.Downloading;

/// <summary>
/// Fetches models that are asked for and are not on the disk, where the configuration says so, and lets the request wait for that as it waits for a load. The download belongs to the model:
/// whoever asked for it may leave.
/// </summary>
internal sealed class AbsentModels(IModelDownloads downloads, ModelCatalog catalog, InferenceSettings settings, IHostApplicationLifetime lifetime, TimeProvider time)
{
    private static readonly TimeSpan Respite = TimeSpan.FromSeconds(30);

    /// <summary>Whether the model that was asked for is not here, but may be fetched for this caller.</summary>
    /// <param name="name">As the client wrote it.</param>
    /// <param name="caller">Who asks; null: nobody is told apart.</param>
    public bool MayFetch(string? name, ICaller? caller)
    {
        var known = catalog.Current;
        if (name is null || known.Resolve(name) is not { } model)
        {
            // A key that is good for some models only must not fill the disk with others.
            return name is not null && known.FetchesUnknown && name.Contains('/', StringComparison.Ordinal) && caller?.MayUse(new ModelSpec { Id = name.Split(':')[0], Runner = "" }) != false;
        }

        return model is { Missing: not null, Download: true } && caller?.MayUse(model) != false;
    }

    /// <summary>Waits until it is here.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="name">The model that it asks for.</param>
    /// <param name="absence">What the client is told where the name is none of the Hub's.</param>
    /// <returns>Null: it is; what it is called is in the exchange. Otherwise why it is not, or not yet.</returns>
    public async Task<GatewayError?> FetchAsync(InferenceExchange exchange, string name, GatewayError absence)
    {
        if (Here(name) is { } here)
        {
            exchange.FetchedAs = here;
            return null;
        }

        // Agents ask again many times a minute, and each time would ask the Hub, before others' downloads.
        if (downloads.LastOf(name) is { State: DownloadState.Failed } failed && time.GetUtcNow() - failed.Started < Respite)
        {
            return DownloadFailures.Of(failed);
        }

        var (request, began, model) = (exchange.Request, time.GetTimestamp(), catalog.Current.Resolve(name));
        exchange.Record.Model = model?.Id ?? name;
        exchange.Stage = RequestStage.Queued;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(exchange.Left, lifetime.ApplicationStopping);
        await using var alarm = request.Stream ? null : time.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), over, settings.Limits.NonStreamWait, Timeout.InfiniteTimeSpan);
        var status = downloads.Start(name);
        if (status.Code == "invalid_request")
        {
            return absence;
        }

        if (request.Stream)
        {
            exchange.Response.KeepCompany(exchange.Record.Model, WaitingStyles.Of(exchange.Context.Request.Headers, model), Progress);
        }

        try
        {
            await foreach (var now in downloads.WatchAsync(name, over.Token))
            {
                Volatile.Write(ref status, now);
            }
        }
        catch (OperationCanceledException) when (!exchange.Left.IsCancellationRequested)
        {
            return lifetime.ApplicationStopping.IsCancellationRequested
                ? new GatewayError(StatusCodes.Status503ServiceUnavailable, "shutting_down", "The gateway is shutting down. Send the request again later; what has come of the model is kept.")
                : Refusals.StillLoading(Progress(), time.GetElapsedTime(began));
        }

        exchange.Fetching = time.GetElapsedTime(began);

        // Two models may come from one repository, and each has settings of its own.
        exchange.FetchedAs = catalog.Current.Resolve(name) is { Missing: null } own ? own.Id : status.Model;
        return status.State == DownloadState.Succeeded ? null : DownloadFailures.Of(status);

        LoadProgress Progress() => LoadProgress.OfDownload(name, Volatile.Read(ref status), time.GetUtcNow());
    }

    // One of the files of a repository may be called otherwise here than by whoever asks for it: REPOSITORY:PART is llama.cpp's form.
    private string? Here(string name)
    {
        if (name.Split(':') is not [var repository, var part])
        {
            return null;
        }

        var known = catalog.Current.Models.Where(model => model is { Missing: null, Path: not null } && (model.Id == repository || model.Id.StartsWith(repository + "/", StringComparison.Ordinal)));
        return known.FirstOrDefault(model => IsPart(Path.GetFileNameWithoutExtension(model.Path!), part))?.Id;
    }

    private static bool IsPart(string file, string part)
    {
        var at = file.LastIndexOf(part, StringComparison.OrdinalIgnoreCase);
        return part.Length > 0 && at >= 0 && (at == 0 || file[at - 1] is '-' or '.' or '_') && (at + part.Length == file.Length || file[at + part.Length] is '-' or '.');
    }
}
