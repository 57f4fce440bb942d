using System.Buffers;
using System.Text;
using System.Text.Json;
using MlxGateway.ContextWindow;
using MlxGateway.Inference;
using Xunit;

namespace MlxGateway.Tests.ContextWindow;

/// <summary>What stays of a conversation.</summary>
public sealed class CompactionPlanTests
{
    // S: instructions, U: user, A: assistant, T: a tool's result, C: a call or a thought by itself. The kept ones are behind the bar.
    [Theory]
    [InlineData("SUAUAUAU", 6, "SU|AUAUAU")]
    [InlineData("SUAUAUAUA", 6, "SU|AUAUAUA")]
    [InlineData("SUATTTTTTTU", 6, "SU|ATTTTTTTU")]
    [InlineData("UAUATUAUAU", 6, "UAU|ATUAUAU")]
    [InlineData("UU", 6, "|UU")]
    [InlineData("TTTT", 2, "|TTTT")]
    [InlineData("UACCTTAUA", 4, "UA|CCTTAUA")] // not between two calls of one turn
    [InlineData("UACTCTAUA", 5, "UACT|CTAUA")]
    [InlineData("UCCCTTTU", 2, "U|CCCTTTU")]
    public void For_Conversation_KeepsTheEndAndPartsNoResultFromItsCall(string speakers, int keep, string expected)
    {
        var plan = CompactionPlan.For(Spans(speakers), keep);

        Assert.Equal(expected, speakers.Insert(plan.Tail, "|"));
        Assert.Equal(Enumerable.Range(0, plan.Tail).Where(i => speakers[i] != 'S'), plan.Older);
    }

    [Fact]
    public void Messages_OfAnthropicsDialect_KeepResultsWithTheirCallsAndAreToldInWords()
    {
        string[] messages =
        [
            """{"role":"user","content":"look it up"}""",
            """{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"x"},{"type":"text","text":"Wait."},{"type":"tool_use","id":"t1","name":"find","input":{"q":"a"}}]}""",
            """{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"found"}]},{"type":"text","text":"and?"}]}""",
            """{"role":"assistant","content":"done"}""",
            """{"role":"user","content":[{"type":"text","text":"What of {\"type\":\"tool_result\"}?"}]}""",
        ];
        var body = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes($$"""{"system":"s","messages":[{{string.Join(',', messages)}}]}"""));

        var parts = Conversation.TryRead(body, 0, StreamShape.Chat, null)!;

        Assert.Equal([Speaker.User, Speaker.Assistant, Speaker.Tool, Speaker.Assistant, Speaker.User], parts.Messages.Select(m => m.Speaker));
        Assert.Equal(1, CompactionPlan.For(parts.Messages, 3).Tail);
        Assert.Equal(
            ["user: look it up\n", "assistant: Wait.\n[calls find({\"q\":\"a\"})]\n", "user: \n[result: found]and?\n"],
            messages.Take(3).Select(m => BodyParts.ToTranscript(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(m)))));
    }

    [Fact]
    public void Items_OfResponses_KeepResultsWithTheirCallsAndAreToldInWords()
    {
        string[] items =
        [
            """{"role":"developer","content":"Be kind."}""",
            """{"type":"message","role":"user","content":[{"type":"input_text","text":"look it up"}]}""",
            """{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]}""",
            """{"type":"function_call","call_id":"c1","name":"find","arguments":"{\"q\":1}"}""",
            """{"type":"function_call","call_id":"c2","name":"find","arguments":"{}"}""",
            """{"type":"function_call_output","call_id":"c1","output":"found"}""",
            """{"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"too"}]}""",
            """{"type":"message","role":"assistant","content":[{"type":"output_text","text":"done"}]}""",
            """{"role":"user","content":"and?"}""",
        ];
        var body = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes($$"""{"messages":[1,2],"input":[{{string.Join(',', items)}}],"instructions":"i"}"""));

        var parts = Conversation.TryRead(body, 0, StreamShape.Responses, null)!;
        var plan = CompactionPlan.For(parts.Messages, 4);

        Assert.Equal([Speaker.System, Speaker.User, Speaker.Call, Speaker.Call, Speaker.Call, Speaker.Tool, Speaker.Tool, Speaker.Assistant, Speaker.User], parts.Messages.Select(m => m.Speaker));
        Assert.Equal((2, 1), (plan.Tail, Assert.Single(plan.Older)));
        Assert.Equal(
            ["developer: Be kind.\n", "user: look it up\n", "", "[calls find({\"q\":1})]\n", "[calls find({})]\n", "[result: found]\n", "[result: too]\n", "assistant: done\n", "user: and?\n"],
            items.Select(m => BodyParts.ToTranscript(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(m)))));
        using var made = JsonDocument.Parse(BodyParts.Compacted(body, parts, plan.Tail, "short"));
        Assert.Equal([items[0], .. items.Skip(2)], made.RootElement.GetProperty("input").EnumerateArray().Where((_, i) => i != 1).Select(i => i.GetRawText()));
    }

    [Fact]
    public void Compacted_RandomConversations_KeepInstructionsFirstOrderAndCalls()
    {
        var random = new Random(7);
        for (var round = 0; round < 3000; round++)
        {
            var (json, messages) = Write(random);
            var body = Pieces(json, random);
            var parts = Conversation.TryRead(body, 0, StreamShape.Chat, null)!;
            var plan = CompactionPlan.For(parts.Messages, random.Next(1, 8));
            if (plan.Older.Count == 0)
            {
                continue;
            }

            using var made = JsonDocument.Parse(BodyParts.Compacted(body, parts, plan.Tail, "short \"it\""));

            var after = made.RootElement.GetProperty("messages").EnumerateArray().ToList();
            var systems = messages.Take(plan.Tail).Where(m => m.Contains("\"system\"", StringComparison.Ordinal)).ToList();
            Assert.Equal(systems.Concat(messages.Skip(plan.Tail)), after.Where((_, i) => i != systems.Count).Select(m => m.GetRawText()));
            Assert.EndsWith("short \"it\"", after[systems.Count].GetProperty("content").GetString(), StringComparison.Ordinal);
            Assert.Equal("{\"max_tokens\":32000}", made.RootElement.GetProperty("tools").GetRawText());

            // Every result has its call in front of it.
            var called = new HashSet<string>();
            foreach (var message in after)
            {
                if (message.TryGetProperty("tool_calls", out var calls))
                {
                    called.UnionWith(calls.EnumerateArray().Select(c => c.GetProperty("id").GetString()!));
                }

                Assert.True(!message.TryGetProperty("tool_call_id", out var id) || called.Contains(id.GetString()!));
            }
        }
    }

    [Fact]
    public void Compacted_GoldenBody_KeepsEveryOtherByte()
    {
        const string before = """{ "model" : "m", "messages": [{"role":"system","content":"S"}, {"role":"user","content":"one"}, {"role":"assistant","content":"two"}, {"role":"user","content":"t\u0068ree"} ] , "seed":1 }""";
        var body = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(before));
        var parts = Conversation.TryRead(body, 0, StreamShape.Chat, null)!;

        var after = Encoding.UTF8.GetString(BodyParts.Compacted(body, parts, 2, "of one"));

        Assert.Equal(
            """{ "model" : "m", "messages": [{"role":"system","content":"S"},{"role":"user","content":"[The earlier part of this conversation was too long for the context and is summarised here.]\nof one"},{"role":"assistant","content":"two"}, {"role":"user","content":"t\u0068ree"} ] , "seed":1 }""",
            after);
    }

    [Fact]
    public void Read_ImagesInParts_AreNotText()
    {
        byte[] file = [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, 0, 0, 0, 13, (byte)'I', (byte)'H', (byte)'D', (byte)'R', 0, 0, 0, 56, 0, 0, 0, 84, .. new byte[90_000]];
        var png = "data:image/png;base64," + Convert.ToBase64String(file);
        var json = """{"messages":[{"role":"user","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"PNG"}}]}],"max_tokens":5}""".Replace("PNG", png, StringComparison.Ordinal);

        var parts = Conversation.TryRead(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(json)), 0, StreamShape.Chat, "qwen2vl")!;

        Assert.Equal((2 * 3) + 2, Assert.Single(parts.Images).Tokens);
        Assert.Equal(json.Length - png.Length, parts.TextBytes);
        Assert.Equal(5, parts.Cap);
        using var counted = JsonDocument.Parse(BodyParts.ToCount(new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(json)), parts));
        Assert.StartsWith("data:image/gif", counted.RootElement.GetProperty("messages")[0].GetProperty("content")[1].GetProperty("image_url").GetProperty("url").GetString(), StringComparison.Ordinal);
    }

    private static List<MessageSpan> Spans(string speakers) =>
        [.. speakers.Select((s, i) => new MessageSpan(i, i + 1, s switch { 'S' => Speaker.System, 'A' => Speaker.Assistant, 'T' => Speaker.Tool, 'C' => Speaker.Call, _ => Speaker.User }))];

    private static (byte[] Json, List<string> Messages) Write(Random random)
    {
        var messages = new List<string>();
        while (messages.Count < random.Next(2, 30))
        {
            var text = new string((char)random.Next('a', 'z'), random.Next(0, 40));
            switch (random.Next(6))
            {
                case 0:
                    messages.Add($$"""{"content":"{{text}}","role":"system"}""");
                    break;
                case 1:
                    var calls = random.Next(1, 4);
                    var id = messages.Count;
                    messages.Add($$"""{"role":"assistant","content":null,"tool_calls":[{{string.Join(',', Enumerable.Range(0, calls).Select(c => $$"""{"id":"c{{id}}.{{c}}","function":{"name":"f","arguments":"{}"} }"""))}}]}""");
                    messages.AddRange(Enumerable.Range(0, calls).Select(c => $$"""{"role":"tool","tool_call_id":"c{{id}}.{{c}}","content":"{{text}}"}"""));
                    break;
                default:
                    messages.Add($$"""{"role":"{{(random.Next(2) == 0 ? "user" : "assistant")}}","content":[{"type":"text","text":"{{text}}é"}]}""");
                    break;
            }
        }

        return (Encoding.UTF8.GetBytes($$"""{"tools":{"max_tokens":32000},"messages":[{{string.Join(" , ", messages)}}],"model":"m"}"""), messages);
    }

    // One body in two blocks, parted anywhere.
    private static ReadOnlySequence<byte> Pieces(byte[] json, Random random)
    {
        var cut = random.Next(1, json.Length);
        var first = new Block(json.AsMemory(0, cut), 0);
        var last = new Block(json.AsMemory(cut), cut);
        first.Link(last);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Block : ReadOnlySequenceSegment<byte>
    {
        public Block(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public void Link(Block next) => Next = next;
    }
}
