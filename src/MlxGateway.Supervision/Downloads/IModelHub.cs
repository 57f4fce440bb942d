namespace MlxGateway.Supervision.Downloads;

/// <summary>What the Hub has.</summary>
public interface IModelHub
{
    /// <summary>Models whose name or description fits a text, the most downloaded first, each with whether it would run on this machine.</summary>
    /// <param name="text">What to look for.</param>
    /// <param name="limit">How many at most, 1 to 100.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="HubException">The Hub could not be asked; the message says why and what to do.</exception>
    Task<IReadOnlyList<HubModel>> SearchAsync(string text, int limit, CancellationToken cancellationToken);
}
