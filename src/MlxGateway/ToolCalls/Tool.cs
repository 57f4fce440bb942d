using System.Text.Json;

namespace MlxGateway.ToolCalls;

/// <summary>A function that a request lets the model call.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">What it does; empty: nobody says.</param>
/// <param name="Parameters">Its parameters, in the order of their schema, those that must be given in front: as a signature of Python has to have them.</param>
/// <param name="Json">The whole definition as the client wrote it.</param>
internal sealed record Tool(string Name, string Description, IReadOnlyList<ToolParameter> Parameters, string Json)
{
    /// <summary>Reads a definition; null: it is none of a function with a name.</summary>
    public static Tool? Read(JsonElement tool)
    {
        if (tool.ValueKind != JsonValueKind.Object || Member(tool, "function") is not { ValueKind: JsonValueKind.Object } function || Text(function, "name") is not { Length: > 0 } name)
        {
            return null;
        }

        var parameters = new List<ToolParameter>();
        if (Member(function, "parameters") is { ValueKind: JsonValueKind.Object } schema && Member(schema, "properties") is { ValueKind: JsonValueKind.Object } properties)
        {
            var required = Member(schema, "required") is { ValueKind: JsonValueKind.Array } list
                ? list.EnumerateArray().Where(static each => each.ValueKind == JsonValueKind.String).Select(static each => each.GetString()!).ToHashSet(StringComparer.Ordinal)
                : [];
            parameters.AddRange(properties.EnumerateObject().Select(property => ToolParameter.Read(property.Name, property.Value, required.Contains(property.Name))));
        }

        return new Tool(name, Text(function, "description") ?? "", [.. parameters.OrderBy(static parameter => !parameter.IsRequired)], tool.GetRawText());
    }

    internal static JsonElement? Member(JsonElement of, string name) => of.TryGetProperty(name, out var value) ? value : null;

    internal static string? Text(JsonElement of, string name) => Member(of, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;
}

/// <summary>A parameter of a function.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type, as Python calls it.</param>
/// <param name="Description">What it is for, with the values that it may have; empty: nobody says.</param>
/// <param name="IsRequired">Whether it must be given.</param>
internal sealed record ToolParameter(string Name, string Type, string Description, bool IsRequired)
{
    /// <summary>Reads its schema.</summary>
    public static ToolParameter Read(string name, JsonElement schema, bool isRequired)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            return new ToolParameter(name, "Any", "", isRequired);
        }

        var description = Tool.Text(schema, "description") ?? "";
        var values = Tool.Member(schema, "enum") is { ValueKind: JsonValueKind.Array } list ? $"one of {string.Join(", ", list.EnumerateArray().Select(static value => value.GetRawText()))}" : "";
        return new ToolParameter(name, TypeOf(schema), (description, values) switch
        {
            (_, "") => description,
            ("", _) => values,
            _ => $"{description} ({values})",
        }, isRequired);
    }

    private static string TypeOf(JsonElement schema) => (Tool.Text(schema, "type") ?? FirstType(schema)) switch
    {
        "string" => "str",
        "integer" => "int",
        "number" => "float",
        "boolean" => "bool",
        "object" => "dict",
        "array" when Tool.Member(schema, "items") is { ValueKind: JsonValueKind.Object } items && TypeOf(items) is not "Any" and var each => $"list[{each}]",
        "array" => "list",
        _ => "Any",
    };

    // ["string", "null"]
    private static string? FirstType(JsonElement schema) => Tool.Member(schema, "type") is { ValueKind: JsonValueKind.Array } types
        ? types.EnumerateArray().Select(static type => type.ValueKind == JsonValueKind.String ? type.GetString() : null).FirstOrDefault(static type => type is not (null or "null"))
        : null;
}
