using System.Text.Json.Serialization;
using MlxGateway.Supervision.Downloads;

namespace MlxGateway.Admin.Downloading;

/// <summary>How a download stands: one line of the answer of <c>POST /api/pull</c>, one entry of <c>GET /api/pull</c>.</summary>
/// <param name="Status"><c>waiting</c> for others, <c>preparing</c>, <c>pulling</c>, and at the end <c>success</c>, <c>cancelled</c> or <c>failed</c>.</param>
/// <param name="Model">What is fetched: a repository, with <c>:PART</c> behind it where one of its files was asked for.</param>
/// <param name="Total">The bytes of all its files; null: not known yet.</param>
/// <param name="Completed">How many of them are here.</param>
/// <param name="RateBytesPerSecond">How fast it comes; null: not known.</param>
/// <param name="EtaSeconds">How long the rest takes at that speed; null: not known.</param>
/// <param name="File">The file that comes now.</param>
internal sealed record PullLine(string Status, string Model, long? Total, long Completed, double? RateBytesPerSecond, double? EtaSeconds, string? File)
{
    /// <summary>What was chosen of the repository; not there where there was no choice.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Choice { get; init; }

    /// <summary>What requests call it, once it is here.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Id { get; init; }

    /// <summary>Why it failed, and what to do.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Message { get; init; }

    /// <summary>What kind of failure that was.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Code { get; init; }

    /// <summary>What is said of a status.</summary>
    public static PullLine Of(DownloadStatus status) => new(
        status.State switch
        {
            DownloadState.Waiting => "waiting",
            DownloadState.Preparing => "preparing",
            DownloadState.Running => "pulling",
            DownloadState.Succeeded => "success",
            DownloadState.Cancelled => "cancelled",
            _ => "failed",
        },
        status.Id,
        status.Total?.Bytes,
        status.Done.Bytes,
        status.BytesPerSecond is { } rate ? Math.Round(rate) : null,
        status.Remaining is { } rest ? Math.Round(rest.TotalSeconds, 1) : null,
        status.File)
    {
        Choice = status.Choice,
        Id = status.Model,
        Message = status.Error,
        Code = status.Code,
    };
}

/// <summary>The downloads that are under way, wait, or are over lately.</summary>
/// <param name="Pulls">One entry for each, the oldest first.</param>
internal sealed record PullsAnswer(IReadOnlyList<PullLine> Pulls);

/// <summary>That a download was ended.</summary>
/// <param name="Status">Always <c>cancelled</c>.</param>
/// <param name="Model">Which.</param>
internal sealed record PullCancelled(string Status, string Model);

/// <summary>What the Hub has.</summary>
/// <param name="Models">The models that fit the text, the most downloaded first.</param>
internal sealed record HubAnswer(IReadOnlyList<HubModelAnswer> Models);

/// <summary>A model of the Hub.</summary>
/// <param name="Id">Its repository.</param>
/// <param name="Downloads">How often it was fetched in the last month.</param>
/// <param name="Likes">How many people like it.</param>
/// <param name="SizeBytes">How much would be fetched, nearly; null: the Hub does not say.</param>
/// <param name="RunsHere">Whether it can be served on this machine; null: not known.</param>
/// <param name="Why">Why.</param>
internal sealed record HubModelAnswer(string Id, long Downloads, long Likes, long? SizeBytes, bool? RunsHere, string Why);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(PullLine))]
[JsonSerializable(typeof(PullsAnswer))]
[JsonSerializable(typeof(PullCancelled))]
[JsonSerializable(typeof(HubAnswer))]
internal sealed partial class DownloadJson : JsonSerializerContext;
