using MlxGateway.Inference;
using MlxGateway.Inference.Describing;
using MlxGateway.Mcp.Protocol;
using MlxGateway.Mcp.Tools;

namespace Microsoft.AspNetCore.Builder;

/// <summary>What agents see of the gateway, and steer in it: a server of the Model Context Protocol.</summary>
internal static class McpEndpoints
{
    private const string Path = "/mcp";

    /// <summary>Registers the room.</summary>
    public static IServiceCollection AddMcp(this IServiceCollection services) => services
        .AddSingleton<CallsInFlight>()
        .AddSingleton<ToolShelf>()
        .AddSingleton<McpEndpoint>()
        .AddSingleton<ModelView>()
        .AddSingleton<ServerStates>()
        .AddSingleton<ServerLaunch>()
        .AddSingleton<PortProbe>()
        .AddSingleton<IToolGroup, EnvironmentTools>()
        .AddSingleton<IToolGroup, ServerTools>()
        .AddSingleton<IToolGroup, ModelTools>()
        .AddSingleton<IToolGroup, RecommendTools>()
        .AddSingleton<IToolGroup, HubTools>();

    /// <summary>Maps the route.</summary>
    public static void MapMcp(this IEndpointRouteBuilder app)
    {
        app.MapPost(Path, (HttpContext context, McpEndpoint endpoint) => endpoint.PostAsync(context))
            .Says("Agents", "Takes one message of the Model Context Protocol (Streamable HTTP) and answers it, in a stream of events")
            .Produces<string>(contentType: "text/event-stream")
            .WithMetadata(new AnswerExample("event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[]}}\n\n"))
            .Takes("""{"jsonrpc":"2.0","id":1,"method":"tools/list"}""")
            .Fails(StatusCodes.Status400BadRequest, "invalid_request", "The body is no message of the protocol")
            .Fails(StatusCodes.Status406NotAcceptable, "not_acceptable", "The client takes no stream of events, or no JSON")
            .Fails(StatusCodes.Status415UnsupportedMediaType, "unsupported_media_type", "The body is not called JSON");
        app.MapDelete(Path, static (HttpContext context, McpEndpoint endpoint) => endpoint.Delete(context)).ExcludeFromDescription(); // of use to the protocol's clients alone
    }
}
