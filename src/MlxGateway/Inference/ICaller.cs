using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference;

/// <summary>Who sends a request, where that is known. A feature of the client's exchange; where there is none, nobody is told apart and everybody may do everything.</summary>
internal interface ICaller
{
    /// <summary>What the configuration calls them. No secret.</summary>
    string Name { get; }

    /// <summary>Whether they may call off what is not theirs, and steer what others use.</summary>
    bool MaySteer { get; }

    /// <summary>Whether they may use this model, and are shown it.</summary>
    bool MayUse(ModelSpec model);
}
