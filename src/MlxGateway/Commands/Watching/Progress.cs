using System.Globalization;
using System.Text.Json;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Watching;

/// <summary>How far a load is, in a few words.</summary>
internal static class Progress
{
    /// <summary>For example <c>loading qwen 43 % eta 12 s</c>.</summary>
    /// <param name="model">An entry of the list of models.</param>
    public static string Words(JsonElement model)
    {
        var status = model.At("status") ?? default;
        return $"{status.Text("value") ?? "waiting for"} {model.Text("id")}"
            + (status.Number("progress") is { } progress ? string.Create(CultureInfo.InvariantCulture, $" {progress * 100:0} %") : "")
            + (status.Seconds("eta_seconds") is { } eta ? $" eta {Spans.Of(eta)}" : "");
    }
}
