using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using MlxGateway.Inference.Describing;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace MlxGateway.ApiReference;

/// <summary>Describes what routes say of themselves: examples of what they are sent and answer, and what their parameters mean.</summary>
internal sealed class DescribedOperations : IOperationFilter
{
    /// <inheritdoc/>
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        var metadata = context.ApiDescription.ActionDescriptor.EndpointMetadata;
        foreach (var note in metadata.OfType<ParameterNote>())
        {
            if (operation.Parameters?.FirstOrDefault(p => p.Name == note.Name) is OpenApiParameter parameter)
            {
                parameter.Description = note.Meaning;
            }
        }

        if (metadata.OfType<BodyExample>().FirstOrDefault() is { } body)
        {
            operation.RequestBody = Body(JsonNode.Parse(body.Json)!.AsObject());
        }

        foreach (var answer in metadata.OfType<AnswerExample>())
        {
            foreach (var (type, media) in operation.Responses?.GetValueOrDefault(answer.Status.ToString(CultureInfo.InvariantCulture))?.Content ?? new Dictionary<string, OpenApiMediaType>())
            {
                ((OpenApiMediaType)media).Example = type.Contains("json", StringComparison.Ordinal) ? JsonNode.Parse(answer.Text) : JsonValue.Create(answer.Text);
            }
        }
    }

    private static OpenApiRequestBody Body(JsonObject example) => new()
    {
        Required = true,
        Content = new Dictionary<string, OpenApiMediaType>
        {
            ["application/json"] = new()
            {
                Schema = new OpenApiSchema
                {
                    Type = JsonSchemaType.Object,
                    Required = new HashSet<string>(example.Select(static member => member.Key)),
                    Properties = example.ToDictionary(static member => member.Key, static member => (IOpenApiSchema)new OpenApiSchema { Type = member.Value?.GetValueKind() == JsonValueKind.String ? JsonSchemaType.String : null }),
                },
                Example = example,
            },
        },
    };
}
