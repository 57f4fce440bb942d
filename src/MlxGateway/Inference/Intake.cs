using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference;

/// <summary>Whether new work is taken. While it is not, what has been let in goes on to its end, and nothing leaves memory for that.</summary>
internal sealed class Intake : IRequestShaper
{
    private static readonly TimeSpan Return = TimeSpan.FromSeconds(10);
    private volatile bool _isClosed;

    /// <summary>Whether new work is refused.</summary>
    public bool IsClosed { get => _isClosed; set => _isClosed = value; }

    /// <summary>What is said to whoever brings new work; null: it is taken.</summary>
    public GatewayError? Refusal => _isClosed
        ? new GatewayError(StatusCodes.Status503ServiceUnavailable, "draining", "The gateway finishes what it has begun and takes no new requests, because somebody told it so. Try again later; POST /api/resume ends this.") { RetryAfter = Return }
        : null;

    // A request that is shaped anew for another model was let in before.
    /// <inheritdoc/>
    public ValueTask<GatewayError?> ShapeAsync(InferenceExchange exchange, ModelSpec model) => new(_isClosed && exchange.Stage == RequestStage.Reading ? Refusal : null);
}
