using System.Text.Json.Serialization;

namespace MlxGateway.Inference.Listing;

/// <summary>What Open WebUI takes as the model's own settings, until an administrator saves others.</summary>
/// <param name="Meta">All of it.</param>
internal sealed record OpenWebUiInfo(OpenWebUiMeta Meta)
{
    /// <summary>
    /// The smallest context, in tokens, that is sent Open WebUI's own tools. Their definitions are 24.8 KB, about 6,000 tokens, in every message of a person, even "hello":
    /// in 16,384 tokens they leave a good half to the conversation and its answer, in 8,192 next to nothing.
    /// </summary>
    internal const int LeastContextForBuiltinTools = 16_384;

    /// <summary>The settings of one model.</summary>
    public static OpenWebUiInfo Of(KnownModel known) => new(new OpenWebUiMeta(
        known.Describe(),
        !known.Chats || known.Model.Missing is not null,
        new OpenWebUiCapabilities(Capability.Sees(known), Usage: true) { BuiltinTools = TakesBuiltinTools(known) ? null : false }));

    // Definitions that the chat template leaves out, or turns into plain text, only cost.
    private static bool TakesBuiltinTools(KnownModel known) => known is not ({ Context: < LeastContextForBuiltinTools } or { Model.Facts.TakesTools: false });
}

/// <summary>What Open WebUI shows and sends.</summary>
/// <param name="Description">What is shown under the model's name.</param>
/// <param name="Hidden">Whether it is left out of the list: it cannot chat, or its files are incomplete.</param>
/// <param name="Capabilities">What it is sent.</param>
internal sealed record OpenWebUiMeta(string Description, bool Hidden, OpenWebUiCapabilities Capabilities);

/// <summary>What Open WebUI sends to a model.</summary>
/// <param name="Vision">Whether pictures can be attached.</param>
/// <param name="Usage">Whether the numbers of tokens are asked for.</param>
internal sealed record OpenWebUiCapabilities(bool Vision, bool Usage)
{
    /// <summary>False: Open WebUI's own tools are not sent. Otherwise not there, and Open WebUI's own setting holds.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? BuiltinTools { get; init; }
}
