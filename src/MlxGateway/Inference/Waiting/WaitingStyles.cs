using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference.Waiting;

/// <summary>How a streaming client is shown that its model is being loaded.</summary>
internal static class WaitingStyles
{
    /// <summary>The header by which a request chooses.</summary>
    public const string Header = "X-MlxGateway-Progress";

    /// <summary>What the request asks for, else what the model is configured with. A word that is not known asks for nothing.</summary>
    public static WaitingStyle Of(IHeaderDictionary headers, ModelSpec? model) =>
        headers.TryGetValue(Header, out var wanted) && Enum.TryParse<WaitingStyle>(wanted, ignoreCase: true, out var style) && Enum.IsDefined(style) ? style : model?.Progress ?? default;
}
