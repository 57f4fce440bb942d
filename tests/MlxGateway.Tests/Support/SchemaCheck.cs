using System.Text.Json;
using Xunit;

namespace MlxGateway.Tests.Support;

/// <summary>Holds JSON against a schema of a description of an API (OpenAPI 3.0), as far as such schemas go that are written here.</summary>
internal static class SchemaCheck
{
    /// <summary>Fails where the value is not what the schema says.</summary>
    /// <param name="document">The description, for what the schema refers to.</param>
    /// <param name="schema">The schema.</param>
    /// <param name="value">The value.</param>
    /// <param name="at">Where it is, for the message.</param>
    public static void Assert(JsonElement document, JsonElement schema, JsonElement value, string at)
    {
        if (schema.TryGetProperty("$ref", out var reference))
        {
            var named = reference.GetString()!["#/".Length..].Split('/').Aggregate(document, static (inner, part) => inner.GetProperty(part));
            Assert(document, named, value, at);
            return;
        }

        if (value.ValueKind == JsonValueKind.Null)
        {
            Xunit.Assert.True(!schema.TryGetProperty("type", out _) || (schema.TryGetProperty("nullable", out var nullable) && nullable.GetBoolean()), $"{at} is null");
            return;
        }

        if (schema.TryGetProperty("allOf", out var all))
        {
            foreach (var one in all.EnumerateArray())
            {
                Assert(document, one, value, at);
            }
        }

        if (schema.TryGetProperty("type", out var type))
        {
            var fits = type.GetString() switch
            {
                "object" => value.ValueKind == JsonValueKind.Object,
                "array" => value.ValueKind == JsonValueKind.Array,
                "string" => value.ValueKind == JsonValueKind.String,
                "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
                "integer" => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _),
                "number" => value.ValueKind == JsonValueKind.Number,
                _ => false,
            };
            Xunit.Assert.True(fits, $"{at} is {value.ValueKind}, and no {type}");
        }

        if (value.ValueKind == JsonValueKind.Array && schema.TryGetProperty("items", out var items))
        {
            Xunit.Assert.All(value.EnumerateArray(), element => Assert(document, items, element, $"{at}[]"));
        }

        if (value.ValueKind == JsonValueKind.Object)
        {
            AssertMembers(document, schema, value, at);
        }
    }

    private static void AssertMembers(JsonElement document, JsonElement schema, JsonElement value, string at)
    {
        if (schema.TryGetProperty("required", out var required))
        {
            Xunit.Assert.All(required.EnumerateArray(), name => Xunit.Assert.True(value.TryGetProperty(name.GetString()!, out _), $"{at} lacks {name}"));
        }

        var further = schema.TryGetProperty("additionalProperties", out var others) ? others : default;
        foreach (var member in value.EnumerateObject())
        {
            if (schema.TryGetProperty("properties", out var properties) && properties.TryGetProperty(member.Name, out var known))
            {
                Assert(document, known, member.Value, $"{at}.{member.Name}");
            }
            else if (further.ValueKind == JsonValueKind.Object)
            {
                Assert(document, further, member.Value, $"{at}.{member.Name}");
            }
            else
            {
                Xunit.Assert.True(further.ValueKind != JsonValueKind.False, $"{at} has {member.Name}");
            }
        }
    }
}
