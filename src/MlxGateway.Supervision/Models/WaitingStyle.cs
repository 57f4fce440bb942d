namespace MlxGateway.Supervision.Models;

/// <summary>How people are shown that a model is being loaded for them.</summary>
public enum WaitingStyle
{
    /// <summary>Not at all: the connection is kept alive by what no client shows.</summary>
    Comments,

    /// <summary>As the model's thoughts, which chat pages show folded.</summary>
    Reasoning,

    /// <summary>As status lines of Open WebUI, which stay out of its history.</summary>
    Status,
}
