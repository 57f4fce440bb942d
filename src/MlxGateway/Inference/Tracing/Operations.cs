using System.Collections.Frozen;

namespace MlxGateway.Inference.Tracing;

/// <summary>What a request is called in traces and measurements: by the conventions for generative AI, and where those have no word by its path.</summary>
internal static class Operations
{
    private const string Chat = "chat";
    private const string Completion = "text_completion";

    private static readonly FrozenDictionary<string, string> ByPath =
        InferenceRoute.All.Append(InferenceRoute.Upstream).ToFrozenDictionary(static r => r.Path, NameOf, StringComparer.Ordinal);

    /// <summary>The operation of a route, by its path at the gateway.</summary>
    public static string Of(string path) => ByPath.GetValueOrDefault(path, "unknown");

    private static string NameOf(InferenceRoute route) => route.Shape switch
    {
        StreamShape.Chat or StreamShape.Responses or StreamShape.Messages => Chat,
        StreamShape.Completion => Completion,
        _ when route.RunnerPath is "/completion" or "/infill" => Completion,
        _ when route == InferenceRoute.Upstream => "upstream",
        _ => route.RunnerPath.Replace("/v1/", "", StringComparison.Ordinal).TrimStart('/').Replace('/', '_'),
    };
}
