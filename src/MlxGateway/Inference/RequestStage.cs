namespace MlxGateway.Inference;

/// <summary>How far a request has come on its way through the house.</summary>
internal enum RequestStage
{
    /// <summary>It is being read and looked at.</summary>
    Reading,

    /// <summary>It waits for its model, or for its turn.</summary>
    Queued,

    /// <summary>It has a runner, which is at work on it.</summary>
    Running,
}
