namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>
/// What <c>mlx_lm.server</c> cannot bear in a body. Where its own checks fail it drops the connection without an answer; a <c>stop</c> that is no text ends its generation
/// thread for everybody; and some fields make it load other models than the one that is accounted for. Ranges are those of its <c>validate_model_parameters</c>, 0.31 and 0.32.
/// </summary>
internal static class MlxLmRules
{
    /// <summary>For one engine.</summary>
    public static RequestRules All { get; } = new(
    [
        new("messages", FieldShape.List) { RequiredOn = ["/v1/chat/completions"] },
        new("prompt", FieldShape.Text) { RequiredOn = ["/v1/completions"] },
        new("adapters", FieldShape.Any) { IsDropped = true },
        new("draft_model", FieldShape.Any) { IsDropped = true },
        new("num_draft_tokens", FieldShape.Any) { IsDropped = true },

        // Without include_usage it looks for it all the same, after the last word and before the end of the stream.
        new("stream_options", FieldShape.Map) { DroppedUnless = "include_usage" },
        new("max_tokens", FieldShape.WholeNumber) { Min = 1 },
        new("max_completion_tokens", FieldShape.WholeNumber) { Min = 1 },
        new("temperature", FieldShape.Number) { Min = 0 },
        new("top_p", FieldShape.Number) { Min = 0, Max = 1 },
        new("top_k", FieldShape.WholeNumber) { Min = 0 },
        new("min_p", FieldShape.Number) { Min = 0, Max = 1 },
        new("repetition_penalty", FieldShape.Number) { Min = 0 },
        new("repetition_context_size", FieldShape.WholeNumber) { Min = 0 },
        new("presence_penalty", FieldShape.Number),
        new("presence_context_size", FieldShape.WholeNumber) { Min = 0 },
        new("frequency_penalty", FieldShape.Number),
        new("frequency_context_size", FieldShape.WholeNumber) { Min = 0 },
        new("xtc_probability", FieldShape.Fraction) { Min = 0, Max = 1 },
        new("xtc_threshold", FieldShape.Fraction) { Min = 0, Max = 1 },
        new("logprobs", FieldShape.Boolean),
        new("top_logprobs", FieldShape.WholeNumber) { Min = -1, Max = 11 },
        new("seed", FieldShape.WholeNumber),
        new("logit_bias", FieldShape.Map),
        new("stop", FieldShape.Texts),
        new("tools", FieldShape.List),
        new("role_mapping", FieldShape.Map),
        new("chat_template_kwargs", FieldShape.Map),
    ])
    {
        DropsNulls = true,
        IsTextOnly = true,
    };

    /// <summary>For one that is several ranks: with a seed a request is served by itself, and when its client leaves the first rank stops where the others do not, which none of them survives.</summary>
    public static RequestRules OfRanks { get; } = All with { Fields = [.. All.Fields.Select(field => field.Name == "seed" ? field with { Shape = FieldShape.Any, IsDropped = true } : field)] };
}
