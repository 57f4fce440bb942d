using System.Globalization;
using System.Security.Cryptography;

namespace MlxGateway.Telemetry;

/// <summary>Gives every request an id, and every answer the header that names it.</summary>
internal sealed class RequestIds(RequestDelegate next)
{
    private const string Header = "x-request-id";

    // Unique over restarts by its beginning, within one by its count; nothing has to be kept secret.
    private static readonly string Start = $"req_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}";
    private static long _count;

    public Task InvokeAsync(HttpContext context)
    {
        var given = context.Request.Headers[Header];
        context.TraceIdentifier = given is [{ } id] && IsPlain(id) ? id : NewId();
        context.Response.Headers[Header] = context.TraceIdentifier;
        return next(context);
    }

    private static string NewId() => string.Create(CultureInfo.InvariantCulture, $"{Start}{Interlocked.Increment(ref _count):x8}");

    // A client's own id is kept, if it can go into a header and a log line as it is.
    private static bool IsPlain(string id) => id.Length is > 0 and <= 128 && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or ':');
}
