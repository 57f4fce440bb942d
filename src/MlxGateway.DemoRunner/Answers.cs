using System.Text;

namespace MlxGateway.DemoRunner;

/// <summary>Answers that are whole and small: JSON, and errors in every shape that engines give them.</summary>
internal static class Answers
{
    /// <summary>A JSON body.</summary>
    public static Task JsonAsync(HttpContext context, byte[] body) => SendAsync(context, 200, "application/json", body);

    /// <summary>An error.</summary>
    public static Task ErrorAsync(HttpContext context, int status, string message, ErrorShape shape = ErrorShape.OpenAI)
    {
        var body = shape switch
        {
            ErrorShape.Text => Json.Write(json => json.WriteString("error", message)),
            ErrorShape.Detail => Json.Write(json => json.WriteString("detail", message)),
            ErrorShape.Html => Encoding.UTF8.GetBytes($"<html><body><h1>{status}</h1><p>{message}</p></body></html>"),
            _ => Json.Write(json =>
            {
                json.WriteStartObject("error");
                json.WriteString("message", message);
                json.WriteString("type", status switch { 401 => "authentication_error", 429 => "rate_limit_error", >= 500 => "server_error", _ => "invalid_request_error" });
                json.WriteNull("param");
                json.WriteNull("code");
                json.WriteEndObject();
            }),
        };
        return SendAsync(context, status, shape == ErrorShape.Html ? "text/html" : "application/json", body);
    }

    private static Task SendAsync(HttpContext context, int status, string contentType, byte[] body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }
}
