using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using MlxGateway.Inference;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace MlxGateway.ApiReference;

/// <summary>Describes the bodies of the routes that go to a runner. They are read without a schema, so the description has to be given here.</summary>
internal sealed class InferenceOperations : IOperationFilter
{
    private const string Conversation = """{"model":"demo-small","messages":[{"role":"user","content":"Hello"}],"max_tokens":64}""";

    // What a route does and an example of its body, by its path at the runner.
    private static readonly Dictionary<string, (string Summary, string Example)> Known = new(StringComparer.Ordinal)
    {
        ["/v1/chat/completions"] = ("Answers a conversation", """{"model":"demo-small","messages":[{"role":"user","content":"Hello"}],"stream":false}"""),
        ["/v1/completions"] = ("Continues a text", """{"model":"demo-small","prompt":"Once upon a time","max_tokens":64,"stream":false}"""),
        ["/v1/embeddings"] = ("Turns texts into vectors", """{"model":"demo-small","input":["a text"]}"""),
        ["/v1/responses"] = ("Answers, as OpenAI's Responses API", """{"model":"demo-small","input":"Hello","stream":false}"""),
        ["/v1/messages"] = ("Answers, as Anthropic's Messages API", Conversation),
        ["/v1/responses/input_tokens"] = ("Counts the tokens of a request, as OpenAI's Responses API", """{"model":"demo-small","input":"Hello"}"""),
        ["/v1/messages/count_tokens"] = ("Counts the tokens of a conversation, as Anthropic's API", Conversation),
        ["/v1/rerank"] = ("Orders texts by how well they answer a query", """{"model":"demo-small","query":"a question","documents":["a text"]}"""),
        ["/v1/audio/speech"] = ("Speaks a text", """{"model":"demo-small","input":"Hello","voice":"alloy"}"""),
        ["/v1/audio/transcriptions"] = ("Writes down what is said in a recording", """{"model":"demo-small","file":"(a file)"}"""),
        ["/v1/audio/translations"] = ("Writes down in English what is said in a recording", """{"model":"demo-small","file":"(a file)"}"""),
        ["/v1/audio/voices"] = ("Lists the voices of a model", ""),
        ["/v1/images/generations"] = ("Draws an image", """{"model":"demo-small","prompt":"a house"}"""),
        ["/v1/images/edits"] = ("Changes an image", """{"model":"demo-small","prompt":"a house","image":"(a file)"}"""),
        ["/tokenize"] = ("Turns a text into tokens", """{"model":"demo-small","content":"a text"}"""),
        ["/detokenize"] = ("Turns tokens into a text", """{"model":"demo-small","tokens":[1]}"""),
        ["/infill"] = ("Fills a gap in a text", """{"model":"demo-small","input_prefix":"a","input_suffix":"c"}"""),
        ["/completion"] = ("Continues a text, as llama-server's own API", """{"model":"demo-small","prompt":"Once upon a time","n_predict":64}"""),
        ["/v1/realtime"] = ("Opens a WebSocket to a model", ""),
        ["/props"] = ("Shows the settings of a model's llama-server, or where no model is named those of the gateway, as llama.cpp's router does", ""),
    };

    /// <inheritdoc/>
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        var route = context.ApiDescription.ActionDescriptor.EndpointMetadata.OfType<InferenceRoute>().FirstOrDefault();
        if (route is null)
        {
            return;
        }

        var (summary, example) = Known[route.RunnerPath];
        operation.Responses = new OpenApiResponses { [route.MayBeWebSocket ? "101" : "200"] = InferenceAnswers.Of(route) };
        operation.Summary = summary;
        operation.Description = "The gateway reads `model`, loads that model if it must, and passes everything else on to its runner. Which of these routes a model has is its engine's to say." + End(route);
        if (route.Form == RequestForm.Query)
        {
            operation.Parameters = [new OpenApiParameter { Name = "model", In = ParameterLocation.Query, Required = route != InferenceRoute.Props, Schema = new OpenApiSchema { Type = JsonSchemaType.String }, Description = "The id or an alias of a model." }];
            return;
        }

        var members = JsonNode.Parse(example)!.AsObject();
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [route.Form == RequestForm.Upload ? "multipart/form-data" : "application/json"] = new()
                {
                    Schema = new OpenApiSchema
                    {
                        Type = JsonSchemaType.Object,
                        Required = new HashSet<string> { "model" },
                        Properties = Properties(route, members),
                        AdditionalPropertiesAllowed = true,
                    },
                    Example = members,
                },
            },
        };
    }

    private static string End(InferenceRoute route) => route.Shape == StreamShape.None ? "" : " With `stream` true the answer is a stream of server-sent events that ends with "
        + route.Shape switch
        {
            StreamShape.Responses => "`response.completed`",
            StreamShape.Messages => "`message_stop`",
            _ => "`data: [DONE]`",
        }
        + "; a stream that ends otherwise is broken, and says why in its last event.";

    private static Dictionary<string, IOpenApiSchema> Properties(InferenceRoute route, JsonObject example)
    {
        var properties = new Dictionary<string, IOpenApiSchema>
        {
            ["model"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "The id or an alias of a model; GET /v1/models lists them." },
        };
        if (route.Shape != StreamShape.None)
        {
            properties["stream"] = new OpenApiSchema { Type = JsonSchemaType.Boolean | JsonSchemaType.Null, Description = "Whether the answer comes in pieces." };
        }

        foreach (var (name, _) in example)
        {
            properties.TryAdd(name, new OpenApiSchema { Description = "Passed on as it is." });
        }

        return properties;
    }
}
