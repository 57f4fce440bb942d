using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace MlxGateway.ApiReference;

/// <summary>Says of each member of an answer whether it may be null and whether it is always there, as its declaration does: clients are generated from this.</summary>
internal sealed class NullableAnswers : ISchemaFilter
{
    /// <inheritdoc/>
    public void Apply(IOpenApiSchema schema, SchemaFilterContext context)
    {
        if (schema is not OpenApiSchema { Properties: { Count: > 0 } members } whole || context.Type.Namespace?.StartsWith(nameof(MlxGateway), StringComparison.Ordinal) != true)
        {
            return;
        }

        var nullability = new NullabilityInfoContext();
        foreach (var property in context.Type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            var name = property.GetCustomAttribute<JsonPropertyNameAttribute>()?.Name ?? JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name);
            if (!members.TryGetValue(name, out var member))
            {
                continue;
            }

            var mayBeNull = nullability.Create(property).ReadState == NullabilityState.Nullable;
            if (member is OpenApiSchema own && own.Type is { } type)
            {
                own.Type = mayBeNull ? type | JsonSchemaType.Null : type & ~JsonSchemaType.Null;
            }
            else if (mayBeNull && member is OpenApiSchemaReference)
            {
                // Beside a reference nothing else is read.
                members[name] = new OpenApiSchema { Type = JsonSchemaType.Object | JsonSchemaType.Null, AllOf = [member] };
            }

            if (property.GetCustomAttribute<JsonIgnoreAttribute>() is null)
            {
                (whole.Required ??= new HashSet<string>()).Add(name);
            }
        }
    }
}
