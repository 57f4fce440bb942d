using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Admin.Router;

/// <summary>Reads the small bodies that name a model, whatever content type they are said to have.</summary>
internal static class NamedModel
{
    private const int Longest = 64 * 1024;

    /// <summary>The name. Exactly one of the two results is there.</summary>
    public static async Task<(string? Name, GatewayError? Error)> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var (name, _, error) = await ReadStreamedAsync(request, cancellationToken);
        return (name, error);
    }

    /// <summary>The name, and whether the answer is to be a stream, which it is where nothing is said. Either a name or an error is there.</summary>
    public static async Task<(string? Name, bool Stream, GatewayError? Error)> ReadStreamedAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var body = new byte[Longest + 1];
        var length = await request.Body.ReadAtLeastAsync(body, body.Length, throwOnEndOfStream: false, cancellationToken);
        if (length > Longest)
        {
            return (null, false, new GatewayError(StatusCodes.Status413PayloadTooLarge, "request_too_large", $"The body is larger than {new ByteSize(Longest)}; all that belongs into it is the name of a model."));
        }

        try
        {
            using var json = JsonDocument.Parse(body.AsMemory(0, length));
            return json.RootElement.ValueKind != JsonValueKind.Object ? (null, false, GatewayError.InvalidRequest("The body is not an object."))
                : json.RootElement.EnumerateObject().Count(static member => member.NameEquals("model"u8)) > 1 ? (null, false, GatewayError.InvalidRequest("The body names 'model' twice.", "model"))
                : !json.RootElement.TryGetProperty("model", out var model) && !json.RootElement.TryGetProperty("name", out model) ? (null, false, GatewayError.InvalidRequest("The body names no 'model'.", "model"))
                : model.ValueKind != JsonValueKind.String || model.GetString() is not { Length: > 0 } name ? (null, false, GatewayError.InvalidRequest("The field 'model' is not the name of a model.", "model"))
                : !json.RootElement.TryGetProperty("stream", out var stream) || stream.ValueKind is JsonValueKind.True or JsonValueKind.Null ? (name, true, null)
                : stream.ValueKind == JsonValueKind.False ? (name, false, null)
                : (null, false, GatewayError.InvalidRequest("The field 'stream' is neither true nor false.", "stream"));
        }
        catch (Exception broken) when (broken is JsonException or InvalidOperationException) // the latter: a text with half a surrogate pair
        {
            return (null, false, GatewayError.InvalidRequest("The body is not JSON. Write {\"model\":\"ID\"}."));
        }
    }
}
