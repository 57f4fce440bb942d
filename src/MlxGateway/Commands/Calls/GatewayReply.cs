using System.Text.Json;

namespace MlxGateway.Commands.Calls;

/// <summary>What the gateway answered.</summary>
/// <param name="Text">The body.</param>
internal sealed record GatewayReply(string Text)
{
    /// <summary>The body, read.</summary>
    /// <exception cref="CommandFailure">It is not JSON, so that whoever answered is no gateway.</exception>
    public JsonElement Json
    {
        get
        {
            try
            {
                using var document = JsonDocument.Parse(Text);
                return document.RootElement.Clone();
            }
            catch (JsonException)
            {
                throw new CommandFailure(Exits.NoGateway, "What answers there is no MlxGateway: it does not speak JSON.");
            }
        }
    }
}
