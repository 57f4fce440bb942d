using System.Globalization;
using System.Text.Json.Nodes;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Runners.Engines;

namespace MlxGateway.Supervision.Downloads;

/// <summary>Fetches one model by a Python that has <c>huggingface_hub</c>, in a process of its own.</summary>
internal sealed class DownloadProcess(IChildProcesses processes, HubPython pythons, HubAccess hub, ModelCatalog catalog, DownloadOptions options)
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);
    private static readonly string Script = Path.Combine(AppContext.BaseDirectory, "hub_download.py");

    /// <summary>Fetches it to its end; what happened is in the job. Nothing runs afterwards.</summary>
    /// <exception cref="OperationCanceledException">The job was ended.</exception>
    public async Task RunAsync(DownloadJob job)
    {
        var python = await pythons.FindAsync(job.Ended);
        if (python.Path is null || catalog.Settings is not { } settings)
        {
            var looked = python.PassedOver.Count == 0 ? "" : $" ({string.Join("; ", python.PassedOver.Take(3))})";
            job.Change(s => DownloadJob.Failed(s, "hub_client_missing", $"Models are fetched by huggingface_hub, which every MLX engine brings along, and no Python with it was found{looked}. Install it with: {python.Install}"));
            return;
        }

        ChildProcess child;
        try
        {
            child = processes.Start(new ChildCommand { Label = "download", Executable = python.Path, Arguments = ["-B", Script, OrderFor(job.Target, settings)], Environment = hub.Environment() });
        }
        catch (ChildStartException failed)
        {
            job.Change(s => DownloadJob.Failed(s, "download_failed", failed.Message));
            return;
        }

        using var following = child.Output.Follow(line => Note(job, line));
        try
        {
            var exit = await child.Exited.WaitAsync(job.Ended);
            if (job.Path is null)
            {
                job.Change(s => DownloadJob.Failed(s, "download_failed", hub.Clean($"The download ended with {exit}{LastOf(child)}. What has come is kept.")));
            }
        }
        finally
        {
            await child.StopAsync(Grace);
            Forget(child, job);
        }
    }

    private void Note(DownloadJob job, string line)
    {
        if (DownloadNews.Read(line) is { } news)
        {
            job.Note(news is DownloadNews.Failed failed ? failed with { Message = hub.Clean(failed.Message) } : news);
        }
    }

    private string OrderFor(DownloadTarget target, ModelSettings settings)
    {
        IReadOnlyList<string> kinds = target.Runner is { } only ? [only] : settings.LaunchableKinds ?? settings.OfferedKinds;
        var forms = new List<string>();
        if (kinds.Contains(KindNames.MlxLm) || kinds.Contains(KindNames.MlxVlm))
        {
            forms.Add("mlx");
        }

        if (kinds.Contains(KindNames.LlamaServer))
        {
            forms.Add("gguf");
        }

        if (kinds.Contains(KindNames.MlcLlm))
        {
            forms.Add("mlc");
        }

        return new JsonObject
        {
            ["repository"] = target.Repository,
            ["part"] = target.Part,
            ["cache"] = HuggingFaceFolder.Of(settings).Path,
            ["kinds"] = new JsonArray([.. forms.Select(f => (JsonNode)f)]),
            ["attempts"] = options.Attempts,
            ["pause"] = options.RetryPause.TotalSeconds,
        }.ToJsonString();
    }

    private static string LastOf(ChildProcess child) =>
        child.Output.Lines().LastOrDefault(line => line.Length > 0 && DownloadNews.Read(line) is null) is { } last ? string.Create(CultureInfo.InvariantCulture, $": {last}") : "";

    // Only so many logs are kept, and one of a download is worth something only if nobody knows why it failed.
    private static void Forget(ChildProcess child, DownloadJob job)
    {
        if (job.Status.Code == "download_failed")
        {
            return;
        }

        try
        {
            File.Delete(child.Output.LogFilePath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }
}
