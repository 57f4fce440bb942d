using System.Security.Cryptography;

namespace MlxGateway.Telemetry;

/// <summary>Gives every request an id, and every answer the header that names it.</summary>
internal sealed class RequestIds(RequestDelegate next)
{
    private const string Header = "x-request-id";

    public Task InvokeAsync(HttpContext context)
    {
        var given = context.Request.Headers[Header];
        context.TraceIdentifier = given is [{ } id] && IsPlain(id) ? id : $"req_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12))}";
        context.Response.Headers[Header] = context.TraceIdentifier;
        return next(context);
    }

    // A client's own id is kept, if it can go into a header and a log line as it is.
    private static bool IsPlain(string id) => id.Length is > 0 and <= 128 && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':');
}
