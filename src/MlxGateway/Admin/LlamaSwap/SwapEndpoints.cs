using MlxGateway.Admin.History;
using MlxGateway.Admin.Logs;
using MlxGateway.Admin.Streams;
using MlxGateway.Inference;
using MlxGateway.Inference.Describing;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Admin.LlamaSwap;

/// <summary>The stream of events that pages and scripts made for llama-swap read.</summary>
internal static class SwapEndpoints
{
    public static void Map(IEndpointRouteBuilder app) =>
        app.MapGet("/api/events", Watch)
            .Says("Logs", "Sends how the models stand, what is logged and what requests took, first so far and then while it happens, as llama-swap does: modelStatus, logData and metrics, each a text of JSON in data")
            .Produces<string>(contentType: "text/event-stream")
            .WithMetadata(new AnswerExample(
                """event:message""" + "\n" + """data:{"type":"modelStatus","data":"[{\"id\":\"qwen\",\"name\":\"\",\"state\":\"ready\",\"unlisted\":false,\"aliases\":[\"gpt-4o-mini\"],\"description\":\"\",\"peerID\":\"\"}]"}""" + "\n\n"
                + """event:message""" + "\n" + """data:{"type":"logData","data":"{\"source\":\"upstream\",\"data\":\"main: server is listening\\n\"}"}""" + "\n\n"));

    private static Task Watch(HttpContext context, EventStream stream, ModelCatalog catalog, IModelPool pool, GatewayLog gateway, RunnerOutputs runners, RequestHistory history, TimeProvider time) =>
        stream.RunAsync(context, new SwapFeed(catalog, pool, gateway, runners, history, context.Features.Get<ICaller>(), time));
}
