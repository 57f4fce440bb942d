using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using MlxGateway.Inference;

namespace MlxGateway.ApiReference;

/// <summary>What runners answer, an example each. They answer as their engines do, so that there is no schema but that it is JSON, a stream of events, or sound.</summary>
internal static class InferenceAnswers
{
    private const string Json = "application/json";
    private const string Events = "text/event-stream";

    private static readonly Dictionary<string, string> Examples = new(StringComparer.Ordinal)
    {
        ["/v1/chat/completions"] = """{"id":"chatcmpl-7b53","object":"chat.completion","created":1795198434,"model":"demo-small","choices":[{"index":0,"message":{"role":"assistant","content":"Hello."},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}""",
        ["/v1/completions"] = """{"id":"cmpl-7b53","object":"text_completion","created":1795198434,"model":"demo-small","choices":[{"index":0,"text":" there was","finish_reason":"stop"}],"usage":{"prompt_tokens":4,"completion_tokens":2,"total_tokens":6}}""",
        ["/v1/embeddings"] = """{"object":"list","model":"demo-small","data":[{"object":"embedding","index":0,"embedding":[0.12,-0.5]}],"usage":{"prompt_tokens":2,"total_tokens":2}}""",
        ["/v1/responses"] = """{"id":"resp_7b53","object":"response","created_at":1795198434,"status":"completed","model":"demo-small","output":[{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Hello.","annotations":[]}]}],"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}""",
        ["/v1/responses/input_tokens"] = """{"object":"response.input_tokens","input_tokens":1}""",
        ["/v1/messages"] = """{"id":"msg_7b53","type":"message","role":"assistant","model":"demo-small","content":[{"type":"text","text":"Hello."}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}""",
        ["/v1/messages/count_tokens"] = """{"input_tokens":1}""",
        ["/v1/rerank"] = """{"object":"list","model":"demo-small","results":[{"index":0,"relevance_score":0.98}],"usage":{"prompt_tokens":7,"total_tokens":7}}""",
        ["/v1/audio/transcriptions"] = """{"text":"Hello."}""",
        ["/v1/audio/translations"] = """{"text":"Hello."}""",
        ["/v1/audio/voices"] = """{"voices":["alloy"]}""",
        ["/v1/images/generations"] = """{"created":1795198434,"data":[{"b64_json":"iVBORw0KGgo="}]}""",
        ["/v1/images/edits"] = """{"created":1795198434,"data":[{"b64_json":"iVBORw0KGgo="}]}""",
        ["/tokenize"] = """{"tokens":[1]}""",
        ["/detokenize"] = """{"content":"a text"}""",
        ["/infill"] = """{"content":"b","stop":true}""",
        ["/completion"] = """{"content":" there was","stop":true}""",
        ["/props"] = """{"role":"router"}""",
    };

    /// <summary>The answer of a route.</summary>
    public static OpenApiResponse Of(InferenceRoute route)
    {
        if (route.MayBeWebSocket)
        {
            return new OpenApiResponse { Description = "The connection is a WebSocket to the runner from here on" };
        }

        var content = new Dictionary<string, OpenApiMediaType>();
        if (route.RunnerPath == "/v1/audio/speech")
        {
            content["audio/*"] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String, Format = "binary" } };
        }
        else
        {
            content[Json] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.Object }, Example = JsonNode.Parse(Examples[route.RunnerPath]) };
        }

        if (StreamOf(route.Shape) is { } stream)
        {
            content[Events] = new() { Schema = new OpenApiSchema { Type = JsonSchemaType.String }, Example = JsonValue.Create(stream) };
        }

        return new OpenApiResponse { Description = "The runner's answer", Content = content };
    }

    private static string? StreamOf(StreamShape shape) => shape switch
    {
        StreamShape.Chat => "data: {\"id\":\"chatcmpl-7b53\",\"object\":\"chat.completion.chunk\",\"created\":1795198434,\"model\":\"demo-small\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        StreamShape.Completion => "data: {\"id\":\"cmpl-7b53\",\"object\":\"text_completion\",\"created\":1795198434,\"model\":\"demo-small\",\"choices\":[{\"index\":0,\"text\":\" there was\",\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        StreamShape.Responses => "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"delta\":\"Hello.\"}\n\nevent: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"resp_7b53\",\"status\":\"completed\"}}\n\n",
        StreamShape.Messages => "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Hello.\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        _ => null,
    };
}
