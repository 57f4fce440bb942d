namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>What <c>mlc_llm serve</c> cannot bear in a body, or must not be told.</summary>
internal static class MlcLlmRules
{
    private static readonly FieldRule[] Common =
    [
        new("messages", FieldShape.List) { RequiredOn = ["/v1/chat/completions"] },
        new("prompt", FieldShape.Any) { RequiredOn = ["/v1/completions"] },

        // It takes this for the name of the request, and two of one name at once for one.
        new("user", FieldShape.Any) { IsDropped = true },

        // It refuses it where there is no stream, and without its one member.
        new("stream_options", FieldShape.Map) { DroppedUnless = "include_usage" },
    ];

    /// <summary>The rules.</summary>
    public static RequestRules All { get; } = new([.. Common, new("debug_config", FieldShape.Any) { IsDropped = true }]) { DropsNulls = true };

    /// <summary>The rules where the engine was launched for looking into it.</summary>
    public static RequestRules WithDebugging { get; } = new(Common) { DropsNulls = true };
}
