using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference;

/// <summary>One step that makes requests fit for a model, or says why they cannot be. Steps run in the order in which <c>Program.cs</c> adds their rooms, the hub's own first.</summary>
internal interface IRequestShaper
{
    /// <summary>What can be done before the model is asked for: from the request and what is known of the model alone, so that a refusal costs no load.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="model">The model that is to serve it: the one that was asked for, or its stand-in, for which the request was reset.</param>
    /// <returns>Why it cannot be served; null: it can.</returns>
    ValueTask<GatewayError?> ShapeAsync(InferenceExchange exchange, ModelSpec model) => default;

    /// <summary>What needs a live runner, before anything is generated. Done once, also if the request has to be sent to a second runner of the same model.</summary>
    /// <param name="exchange">The request.</param>
    /// <param name="lease">The runner that it will be sent to.</param>
    /// <returns>Why it cannot be served; null: it can.</returns>
    ValueTask<GatewayError?> ShapeForRunnerAsync(InferenceExchange exchange, ModelLease lease) => default;
}
