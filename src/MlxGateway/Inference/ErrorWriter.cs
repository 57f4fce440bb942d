using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MlxGateway.Inference;

/// <summary>Writes a <see cref="GatewayError"/> in the shape that OpenAI clients read: as a whole response, or as the last event of a stream.</summary>
internal static class ErrorWriter
{
    // The text is JSON in a response that is JSON; escaping quotes and umlauts for HTML would only make it hard to read.
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Answers the request with the error. The response must not have begun.</summary>
    public static async Task WriteAsync(HttpContext context, GatewayError error)
    {
        var response = context.Response;
        response.StatusCode = error.Status;
        if (error.RetryAfterSeconds is { } seconds)
        {
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        if (error.Allow is { } allow)
        {
            response.Headers.Allow = allow;
        }

        var body = ToJson(error);
        response.ContentType = "application/json";
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(body, context.RequestAborted);
        }
    }

    /// <summary>The error as one event of a server-sent stream.</summary>
    public static byte[] ToEvent(GatewayError error) => [.. "data: "u8, .. ToJson(error), .. "\n\n"u8];

    private static byte[] ToJson(GatewayError error)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using var json = new Utf8JsonWriter(buffer, Plain);
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("message", error.Message);
        json.WriteString("type", error.Type);
        json.WriteString("param", error.Param);
        json.WriteString("code", error.Code);
        if (error.Shortage is { } shortage)
        {
            json.WriteNumber("required_bytes", shortage.Required.Bytes);
            json.WriteNumber("budget_bytes", shortage.Budget.Bytes);
            json.WriteNumber("available_bytes", shortage.Available.Bytes);
            json.WriteNumber("evictable_bytes", shortage.Evictable.Bytes);
        }

        if (error.Loading is { } loading)
        {
            json.WriteStartObject("loading");
            json.WriteString("model", loading.Model);
            json.WriteString("state", loading.State);
            json.WriteNumber("elapsed_seconds", Math.Round(loading.Elapsed.TotalSeconds, 1));
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
