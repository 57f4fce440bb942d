using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using MlxGateway.Inference;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace MlxGateway.Mcp.Protocol;

/// <summary>The protocol over Streamable HTTP. Every message is served by itself, so a client may go on after a restart of the gateway as if nothing had been.</summary>
internal sealed class McpEndpoint(ToolShelf tools, CallsInFlight calls, IServiceProvider services)
{
    /// <summary>Under what a tool finds who calls it, among the items of its message.</summary>
    public const string CallerItem = "caller";

    private const string SessionHeader = "Mcp-Session-Id";
    private const string VersionHeader = "MCP-Protocol-Version";
    private const string Json = "application/json";
    private const string Events = "text/event-stream";

    // Arguments of tools are names and numbers.
    private const long LongestMessage = 1 << 20;

    private static readonly JsonRpcErrorDetail NoArguments = new() { Code = (int)McpErrorCode.InvalidParams, Message = "tools/call takes an object with the name of a tool and, as 'arguments', an object." };
    private static readonly JsonTypeInfo<JsonRpcMessage> MessageType = (JsonTypeInfo<JsonRpcMessage>)McpJsonUtilities.DefaultOptions.GetTypeInfo(typeof(JsonRpcMessage));

    /// <summary>Takes one message.</summary>
    public async Task PostAsync(HttpContext context)
    {
        if (RefuseForm(context.Request) is { } unfit)
        {
            await ErrorWriter.WriteAsync(context, unfit);
            return;
        }

        var (message, error) = await ReadAsync(context);
        if (message is null)
        {
            await ErrorWriter.WriteAsync(context, error!);
            return;
        }

        var session = context.Request.Headers[SessionHeader].ToString();
        if (message is JsonRpcNotification { Method: NotificationMethods.CancelledNotification } cancelled)
        {
            calls.Cancel(session, IdOf(cancelled));
        }

        if (message is not JsonRpcRequest request)
        {
            // Answers are never waited for here, and whatever else there is to be noted the client repeats with each message.
            context.Response.StatusCode = StatusCodes.Status202Accepted;
            return;
        }

        var version = context.Request.Headers[VersionHeader].ToString();
        if (!HeaderAgreement.IsKnown(version))
        {
            await AnswerAsync(context, StatusCodes.Status400BadRequest, request.Id, HeaderAgreement.Unknown(version));
            return;
        }

        if (HeaderAgreement.Check(context.Request.Headers, version, request) is { } disagreement)
        {
            await AnswerAsync(context, StatusCodes.Status400BadRequest, request.Id, new JsonRpcErrorDetail { Code = (int)McpErrorCode.HeaderMismatch, Message = disagreement });
            return;
        }

        if (request is { Method: RequestMethods.ToolsCall, Params: var call } && (call is not JsonObject given || given["arguments"] is not (null or JsonObject)))
        {
            await AnswerAsync(context, StatusCodes.Status200OK, request.Id, NoArguments);
            return;
        }

        if (request.Method == RequestMethods.Initialize)
        {
            // A name and nothing else: nothing is kept for it, and only cancellations need it, to find their call.
            context.Response.Headers[SessionHeader] = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        }

        request.Context = new JsonRpcMessageContext { ProtocolVersion = version.Length > 0 ? version : null, Items = new Dictionary<string, object?> { [CallerItem] = context.Features.Get<ICaller>() } };
        using var entered = calls.Enter(session, request.Id.ToString(), context.RequestAborted);
        await ServeAsync(context, request, entered.Token);
    }

    /// <summary>Ends a session: what is under way for it is called off.</summary>
    public IResult Delete(HttpContext context)
    {
        calls.CancelAll(context.Request.Headers[SessionHeader].ToString());
        return Results.NoContent();
    }

    private async Task ServeAsync(HttpContext context, JsonRpcRequest request, CancellationToken cancellationToken)
    {
        context.Response.ContentType = Events;
        context.Response.Headers.CacheControl = "no-cache, no-store";
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await using var transport = new StreamableHttpServerTransport { Stateless = true };
        await using var server = McpServer.Create(transport, tools.Options, serviceProvider: services);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var running = server.RunAsync(over.Token);
        try
        {
            if (!await transport.HandlePostRequestAsync(request, context.Response.Body, first => StatusFor(context.Response, first), cancellationToken) && !context.Response.HasStarted)
            {
                context.Response.ContentType = null;
                context.Response.StatusCode = StatusCodes.Status202Accepted;
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The client left, or called it off and wants no answer.
        }
        finally
        {
            await over.CancelAsync();
            await running.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    // The newer revisions of the protocol want these errors to be seen by what stands between.
    private static ValueTask StatusFor(HttpResponse response, JsonRpcMessage? first)
    {
        if (!response.HasStarted && first is JsonRpcError { Error.Code: var code })
        {
            response.StatusCode = code switch
            {
                (int)McpErrorCode.MethodNotFound => StatusCodes.Status404NotFound,
                (int)McpErrorCode.UnsupportedProtocolVersion or (int)McpErrorCode.MissingRequiredClientCapability => StatusCodes.Status400BadRequest,
                _ => StatusCodes.Status200OK,
            };
        }

        return default;
    }

    private static GatewayError? RefuseForm(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || !type.MediaType.Equals(Json, StringComparison.OrdinalIgnoreCase))
        {
            return new GatewayError(StatusCodes.Status415UnsupportedMediaType, "unsupported_media_type", $"/mcp takes messages as {Json}, and this one is called '{request.ContentType}'.");
        }

        var accepted = request.GetTypedHeaders().Accept;
        return accepted.Any(static a => new MediaTypeHeaderValue(Json).IsSubsetOf(a)) && accepted.Any(static a => new MediaTypeHeaderValue(Events).IsSubsetOf(a))
            ? null
            : new GatewayError(StatusCodes.Status406NotAcceptable, "not_acceptable", $"/mcp answers a message with {Json} or with {Events}, and the client must take both ('Accept: {Json}, {Events}').");
    }

    private static async Task<(JsonRpcMessage? Message, GatewayError? Error)> ReadAsync(HttpContext context)
    {
        context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = LongestMessage;
        try
        {
            using var body = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted);
            return body.RootElement.ValueKind == JsonValueKind.Array ? (null, NoMessage("it is a list of them. Lists belonged to the revision 2025-03-26 alone; send each message by itself"))
                : body.Deserialize(MessageType) is { } message ? (message, null)
                : (null, NoMessage("it is null"));
        }
        catch (JsonException bad)
        {
            return (null, NoMessage(bad.Message));
        }
        catch (BadHttpRequestException large) when (large.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return (null, new GatewayError(StatusCodes.Status413PayloadTooLarge, "request_too_large", "A message to /mcp has 1 MB at most."));
        }
    }

    private static GatewayError NoMessage(string why) => GatewayError.InvalidRequest($"The body is not one message of JSON-RPC 2.0: {why}");

    private static string? IdOf(JsonRpcNotification cancelled)
    {
        try
        {
            return cancelled.Params?.Deserialize((JsonTypeInfo<CancelledNotificationParams>)McpJsonUtilities.DefaultOptions.GetTypeInfo(typeof(CancelledNotificationParams)))?.RequestId.ToString();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static Task AnswerAsync(HttpContext context, int status, RequestId id, JsonRpcErrorDetail error) =>
        Results.Json<JsonRpcMessage>(new JsonRpcError { Id = id, Error = error }, MessageType, statusCode: status).ExecuteAsync(context);
}
