using System.Text.Json;
using MlxGateway.Inference;

namespace MlxGateway.ToolCalls;

/// <summary>Whether a model has to call something.</summary>
internal enum ToolChoice
{
    /// <summary>As it likes.</summary>
    Free,

    /// <summary>It must not.</summary>
    None,

    /// <summary>It must.</summary>
    Required,

    /// <summary>It must call one certain function.</summary>
    Named,
}

/// <summary>What a request says of tools.</summary>
/// <param name="Tools">The functions.</param>
/// <param name="Choice">Whether one has to be called.</param>
/// <param name="Named">Which one.</param>
/// <param name="IsParallel">Whether more than one call is wanted.</param>
internal sealed record ToolWishes(ToolSet Tools, ToolChoice Choice, string? Named, bool IsParallel)
{
    /// <summary>Whether the model may call something.</summary>
    public bool MayCall => Choice != ToolChoice.None && Tools.All.Count > 0;

    /// <summary>What the model is told of them beside the functions; empty: nothing.</summary>
    public string Instruction => string.Join(' ', ((string?[])[
        Choice == ToolChoice.Required ? "Answer this turn with a call of at least one of the functions, and with nothing else." : null,
        Choice == ToolChoice.Named ? $"Answer this turn with a call of the function {Named}, and with nothing else." : null,
        Choice != ToolChoice.None && !IsParallel ? "Never call more than one function at a time." : null]).OfType<string>());

    /// <summary>Reads a request.</summary>
    /// <param name="request">The request.</param>
    /// <param name="withTools">Whether the functions matter, or only the choice among them.</param>
    /// <exception cref="InvalidOperationException">A name in it holds half a character.</exception>
    public static ToolWishes Read(JsonRequest request, bool withTools = true)
    {
        var (tools, choice, named, isParallel) = (new List<Tool>(), ToolChoice.Free, default(string), true);
        var json = new Utf8JsonReader(request.Json.Slice(request.Fields.ByteOrderMark), isFinalBlock: true, new JsonReaderState(new JsonReaderOptions { MaxDepth = TopLevelFields.MaxDepth }));
        json.Read();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var (areTools, isChoice, isParallelism) = (json.ValueTextEquals("tools"u8), json.ValueTextEquals("tool_choice"u8), json.ValueTextEquals("parallel_tool_calls"u8));
            json.Read();
            if (areTools && withTools && json.TokenType == JsonTokenType.StartArray)
            {
                using var list = JsonDocument.ParseValue(ref json);
                tools.AddRange(list.RootElement.EnumerateArray().Select(Tool.Read).OfType<Tool>());
            }
            else if (isChoice)
            {
                using var value = JsonDocument.ParseValue(ref json);
                (choice, named) = ReadChoice(value.RootElement);
            }
            else if (isParallelism)
            {
                isParallel = json.TokenType != JsonTokenType.False;
                json.Skip();
            }
            else
            {
                json.Skip();
            }
        }

        return new ToolWishes(new ToolSet(tools), choice, named, isParallel);
    }

    private static (ToolChoice Choice, string? Named) ReadChoice(JsonElement choice) => choice.ValueKind switch
    {
        JsonValueKind.String when choice.ValueEquals("none") => (ToolChoice.None, null),
        JsonValueKind.String when choice.ValueEquals("required") => (ToolChoice.Required, null),
        JsonValueKind.Object when Tool.Member(choice, "function") is { ValueKind: JsonValueKind.Object } function && Tool.Text(function, "name") is { } name => (ToolChoice.Named, name),
        _ => (ToolChoice.Free, null),
    };
}
