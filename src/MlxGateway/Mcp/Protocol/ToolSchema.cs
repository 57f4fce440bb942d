using System.ComponentModel;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;

namespace MlxGateway.Mcp.Protocol;

/// <summary>Describes types for agents. Nothing of this is done while a call is served.</summary>
internal static class ToolSchema
{
    private static readonly JsonSchemaExporterOptions Options = new() { TreatNullObliviousAsNonNullable = true, TransformSchemaNode = Describe };

    /// <summary>The JSON schema of a type, with the descriptions of its members.</summary>
    public static JsonElement Of(JsonTypeInfo type)
    {
        var schema = type.GetJsonSchemaAsNode(Options);
        return JsonSerializer.SerializeToElement(schema, ToolJson.TypeOf<JsonNode>());
    }

    private static JsonNode Describe(JsonSchemaExporterContext context, JsonNode node)
    {
        if (node is not JsonObject schema)
        {
            return node;
        }

        if (context.PropertyInfo is { } property)
        {
            AddDescription(property, schema);

            // What may be left out is left out: forms and small models do badly with a type that may be null.
            if (property.AssociatedParameter is { HasDefaultValue: true, DefaultValue: null })
            {
                schema.Remove("default");
                DropType(schema, "null");
            }
        }

        // Numbers are also taken as text, which agents write now and then; they need not be told.
        if (schema["pattern"] is not null && schema["type"] is JsonArray)
        {
            schema.Remove("pattern");
            DropType(schema, "string");
        }

        return schema;
    }

    private static void AddDescription(JsonPropertyInfo property, JsonObject schema)
    {
        var said = property.AssociatedParameter?.AttributeProvider?.GetCustomAttributes(typeof(DescriptionAttribute), inherit: true).OfType<DescriptionAttribute>().FirstOrDefault()
            ?? property.AttributeProvider?.GetCustomAttributes(typeof(DescriptionAttribute), inherit: true).OfType<DescriptionAttribute>().FirstOrDefault();
        if (said is not null)
        {
            schema.Insert(0, "description", said.Description);
        }
    }

    private static void DropType(JsonObject schema, string name)
    {
        if (schema["type"] is JsonArray types)
        {
            JsonNode[] others = [.. types.Where(t => t?.GetValue<string>() != name).Select(static t => t!.DeepClone())];
            schema["type"] = others is [var only] ? only : new JsonArray(others);
        }
    }
}
