using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlxGateway.Inference;
using MlxGateway.Inference.Answers;
using MlxGateway.Supervision.Models;
using MlxGateway.Tests.Inference.Answers;
using MlxGateway.ToolCalls;
using Xunit;

namespace MlxGateway.Tests.ToolCalls;

/// <summary>What a client gets of what a model says, through the filters that such an answer goes through.</summary>
internal static class CallAnswers
{
    /// <summary>The functions that may be called.</summary>
    public static ToolSet Tools { get; } = new([.. JsonDocument.Parse("""
        [{"type":"function","function":{"name":"get_weather","parameters":{"properties":{"days":{"type":"integer"},"city":{"type":"string"}},"required":["city"]}}},
         {"type":"function","function":{"name":"list-files"}},
         {"type":"function","function":{"name":"fill","parameters":{"properties":{"a":{},"h":{"type":"string"}}}}}]
        """).RootElement.EnumerateArray().Select(static tool => Tool.Read(tool)!)]);

    /// <summary>A filter for the form of that name.</summary>
    public static CallsInText Filter(string form, bool isParallel = true) => new(() => ToolForms.Of(Enum.Parse<ToolFormat>(form, ignoreCase: true))!.NewReader(Tools), isParallel, "mine");

    /// <summary>The answer to a client that wants a stream.</summary>
    /// <param name="form">The form.</param>
    /// <param name="pieces">What the model says, in the pieces of the engine's events.</param>
    /// <param name="reason">Why it stops; null: nobody says.</param>
    public static ClientAnswer Stream(string form, IEnumerable<string> pieces, string? reason)
    {
        var events = string.Concat(pieces.Select(static piece => Event(new JsonObject { ["content"] = piece }, null)));
        return Received(form, [Encoding.UTF8.GetBytes($"{events}{(reason is null ? "" : Event([], reason))}data: [DONE]\n\n")]);
    }

    /// <summary>The answer to a client that wants the whole.</summary>
    public static ClientAnswer Whole(string form, string said, string reason)
    {
        var body = new JsonObject { ["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = said, ["tool_calls"] = new JsonArray() }, ["finish_reason"] = reason }) };
        var filtered = new ToolCallIds().FilterBody(Filter(form).FilterBody(Encoding.UTF8.GetBytes(body.ToJsonString())));
        var choice = JsonNode.Parse(filtered.Span)!["choices"]![0]!;
        return new ClientAnswer((string?)choice["message"]!["content"] ?? "", CallsOf(choice["message"]!), (string)choice["finish_reason"]!);
    }

    /// <summary>What a client makes of a stream.</summary>
    public static ClientAnswer Received(string form, IEnumerable<ReadOnlyMemory<byte>> pieces, int choice = 0)
    {
        var text = new FilterChain(Filter(form), new ToolCallIds(), new FinishReasons(StreamShape.Chat, "mine")).Run(pieces);
        var choices = text.Split("\n\n").Where(static e => e.StartsWith("data: {", StringComparison.Ordinal)).SelectMany(static e => JsonNode.Parse(e[6..])!["choices"]!.AsArray()).Where(c => (int)c!["index"]! == choice).ToList();
        var calls = choices.SelectMany(static c => CallsOf(c!["delta"]!)).ToList();
        Assert.Equal(Enumerable.Range(0, calls.Count), choices.SelectMany(static c => c!["delta"]!["tool_calls"]?.AsArray() ?? []).Select(static c => (int)c!["index"]!));
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
        return new ClientAnswer(string.Concat(choices.Select(static c => (string?)c!["delta"]!["content"])), calls, (string)choices.Select(static c => c!["finish_reason"]).Single(static r => r is not null)!);
    }

    private static List<FoundCall> CallsOf(JsonNode message) => [.. (message["tool_calls"]?.AsArray() ?? []).Select(static call =>
    {
        Assert.Equal("function", (string?)call!["type"]);
        Assert.StartsWith("call_", (string?)call["id"], StringComparison.Ordinal);
        return new FoundCall((string)call["function"]!["name"]!, (string)call["function"]!["arguments"]!);
    })];

    /// <summary>An event of an engine's.</summary>
    public static string Event(JsonObject delta, string? reason, int index = 0) =>
        $"data: {new JsonObject { ["id"] = "1", ["created"] = 7, ["choices"] = new JsonArray(new JsonObject { ["index"] = index, ["delta"] = delta, ["finish_reason"] = reason }) }.ToJsonString()}\n\n";
}

/// <summary>What a client has received.</summary>
internal sealed record ClientAnswer(string Text, IReadOnlyList<FoundCall> Calls, string Reason)
{
    /// <summary>The same, written as in the golden files.</summary>
    public string Golden => $"{Text}\n{string.Concat(Calls.Select(static call => $"=== call {call.Name} {call.Arguments}\n"))}=== reason {Reason}\n";
}
