using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using MlxGateway.Inference.Tracing;

namespace MlxGateway.Inference;

/// <summary>Writes a <see cref="GatewayError"/> in the shape that OpenAI clients read: as a whole response, or as the last event of a stream.</summary>
internal static class ErrorWriter
{
    // The text is JSON in a response that is JSON; escaping quotes and umlauts for HTML would only make it hard to read.
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Answers the request with the error. The response must not have begun.</summary>
    public static async Task WriteAsync(HttpContext context, GatewayError error, StreamShape shape = StreamShape.Chat)
    {
        ErrorCount.Note(error);
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

        var body = ToJson(error, shape == StreamShape.Messages ? shape : StreamShape.Chat);
        response.ContentType = "application/json";
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.Body.WriteAsync(body, context.RequestAborted);
        }
    }

    /// <summary>The error as one event of a server-sent stream. The dialects that have an event of their own for it get it beside the one shape.</summary>
    public static byte[] ToEvent(GatewayError error, StreamShape shape = StreamShape.Chat) =>
        [.. shape is StreamShape.Messages or StreamShape.Responses ? "event: error\n"u8 : default, .. "data: "u8, .. ToJson(error, shape), .. "\n\n"u8];

    /// <summary>The error as one line of JSON.</summary>
    public static byte[] ToLine(GatewayError error) => [.. ToJson(error, StreamShape.Chat), (byte)'\n'];

    private static byte[] ToJson(GatewayError error, StreamShape shape)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using var json = new Utf8JsonWriter(buffer, Plain);
        json.WriteStartObject();
        if (shape is StreamShape.Messages or StreamShape.Responses)
        {
            json.WriteString("type", "error");
        }

        if (shape == StreamShape.Responses)
        {
            json.WriteString("code", error.Code);
            json.WriteString("message", error.Message);
            json.WriteString("param", error.Param);
            json.WriteNumber("sequence_number", 0);
        }

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
            if (loading is { Percent: { } percent, Left: { } left })
            {
                json.WriteNumber("percent", percent);
                json.WriteNumber("eta_seconds", Math.Round(left.TotalSeconds, 1));
            }

            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
