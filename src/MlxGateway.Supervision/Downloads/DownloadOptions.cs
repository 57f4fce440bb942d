using System.ComponentModel.DataAnnotations;

namespace MlxGateway.Supervision.Downloads;

/// <summary><c>MlxGateway:Downloads</c>: how models are fetched from the Hub.</summary>
public sealed class DownloadOptions
{
    /// <summary>The address of the Hub; null: <c>HF_ENDPOINT</c> of the environment, else <c>https://huggingface.co</c>.</summary>
    public Uri? Endpoint { get; set; }

    /// <summary>How many models are fetched at once; the others wait.</summary>
    [Range(1, 8)]
    public int AtOnce { get; set; } = 1;

    /// <summary>How often something is tried that brings nothing, before a download is given up. What has come is kept.</summary>
    [Range(1, 100)]
    public int Attempts { get; set; } = 6;

    /// <summary>How long is waited before something is tried again; twice as long each time, half a minute at most.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:01:00")]
    public TimeSpan RetryPause { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long the Hub may take to answer a search.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00")]
    public TimeSpan SearchTimeout { get; set; } = TimeSpan.FromSeconds(15);
}
