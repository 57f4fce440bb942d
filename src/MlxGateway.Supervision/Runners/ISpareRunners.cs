using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners;

/// <summary>A process that waits, without a model, for the next launch; so that a swap costs the weights and not the start of the engine.</summary>
public interface ISpareRunners
{
    /// <summary>The process that waits; null: none does. Its memory is the models' own: whoever needs it has it.</summary>
    int? Pid { get; }

    /// <summary>Says how much memory is free beside all models, whether a process waits or not. Returns at once; while it is little, none waits.</summary>
    void Allow(ByteSize free);
}
