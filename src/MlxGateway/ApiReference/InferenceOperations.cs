using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using MlxGateway.Inference;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace MlxGateway.ApiReference;

/// <summary>Describes the bodies of the routes that go to a runner. They are read without a schema, so the description has to be given here.</summary>
internal sealed class InferenceOperations : IOperationFilter
{
    /// <inheritdoc/>
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        var route = context.ApiDescription.ActionDescriptor.EndpointMetadata.OfType<InferenceRoute>().FirstOrDefault();
        if (route is null)
        {
            return;
        }

        var (summary, example) = route.Shape switch
        {
            StreamShape.Chat => ("Answers a conversation", """{"model":"demo-small","messages":[{"role":"user","content":"Hello"}],"stream":false}"""),
            StreamShape.Completion => ("Continues a text", """{"model":"demo-small","prompt":"Once upon a time","max_tokens":64,"stream":false}"""),
            _ => ("Turns texts into vectors", """{"model":"demo-small","input":["a text"]}"""),
        };
        operation.Summary = summary;
        operation.Description = "The body is OpenAI's. The gateway reads `model`, loads that model if it must, and passes everything else on to its runner. "
            + (route.Shape == StreamShape.None ? "" : "With `stream` true the answer is a stream of server-sent events that ends with `data: [DONE]`; a stream that ends otherwise is broken, and says why in its last event.");
        operation.RequestBody = new OpenApiRequestBody
        {
            Required = true,
            Content = new Dictionary<string, OpenApiMediaType>
            {
                ["application/json"] = new()
                {
                    Schema = new OpenApiSchema
                    {
                        Type = JsonSchemaType.Object,
                        Required = new HashSet<string> { "model" },
                        Properties = Properties(route.Shape),
                        AdditionalPropertiesAllowed = true,
                    },
                    Example = JsonNode.Parse(example),
                },
            },
        };
    }

    private static Dictionary<string, IOpenApiSchema> Properties(StreamShape shape)
    {
        var properties = new Dictionary<string, IOpenApiSchema>
        {
            ["model"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "The id or an alias of a model; GET /v1/models lists them." },
        };
        if (shape != StreamShape.None)
        {
            properties["stream"] = new OpenApiSchema { Type = JsonSchemaType.Boolean | JsonSchemaType.Null, Description = "Whether the answer comes in pieces." };
        }

        var anything = shape switch { StreamShape.Chat => "messages", StreamShape.Completion => "prompt", _ => "input" };
        properties[anything] = new OpenApiSchema { Description = "As OpenAI defines it; passed on as it is." };
        return properties;
    }
}
