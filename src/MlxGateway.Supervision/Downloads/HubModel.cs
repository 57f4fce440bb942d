using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Downloads;

/// <summary>A model of the Hub.</summary>
/// <param name="Id">Its repository.</param>
/// <param name="Downloads">How often it was fetched in the last month.</param>
/// <param name="Likes">How many people like it.</param>
/// <param name="Size">How much would be fetched; null: the Hub does not say.</param>
/// <param name="RunsHere">Whether it can be served on this machine; null: not known.</param>
/// <param name="Why">Why it does or does not run here, or why that is not known, as a sentence.</param>
public sealed record HubModel(string Id, long Downloads, long Likes, ByteSize? Size, bool? RunsHere, string Why);

/// <summary>The Hub could not be asked, or said no. The message is for people and says what to do.</summary>
/// <param name="code">What kind of failure it was, in one word for programs.</param>
/// <param name="message">What happened and what to do, in sentences.</param>
public sealed class HubException(string code, string message) : Exception(message)
{
    /// <summary>What kind of failure it was, in one word for programs.</summary>
    public string Code => code;
}
