using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Memory;

/// <summary>What models were seen to take.</summary>
public interface IObservedFootprints
{
    /// <summary>The most that the model was ever seen to take when launched in this way by the engine that is here now; null: never seen.</summary>
    ByteSize? PeakOf(ModelSpec model, LaunchShape shape);

    /// <summary>How long its last launch in this way took until it was ready; null: never seen.</summary>
    TimeSpan? LoadTimeOf(ModelSpec model, LaunchShape shape);
}
