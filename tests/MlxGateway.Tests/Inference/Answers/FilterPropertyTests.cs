using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using MlxGateway.Inference;
using MlxGateway.Inference.Answers;
using Xunit;

namespace MlxGateway.Tests.Inference.Answers;

/// <summary>Whatever bytes come, in whatever pieces: the filters throw nothing, and the same events come out. <c>MLXGATEWAY_TESTS_FUZZ=N</c> tries N thousand streams for each.</summary>
public sealed class FilterPropertyTests
{
    private static readonly int? Thousands = int.TryParse(Environment.GetEnvironmentVariable("MLXGATEWAY_TESTS_FUZZ"), CultureInfo.InvariantCulture, out var n) ? n : null;
    private static readonly int Inputs = (Thousands ?? 10) * 1000;
    private static readonly int Seed = Thousands ?? 20_260_301;

    private static readonly string[] Words =
    [
        "\"", "\\", "{", "}", "[", "]", ":", ",", "null", "true", "1e999", "\\ud800", "\uFEFF", "\0", "€", "𝄞", "\n", "\r\n", "\n\n", "\r\n\r\n", "data: ", "data:", ": ", "event: x\n", "data: [DONE]\n\n", "[DONE]",
        "\"tool_calls\":[{", "\"index\":1", "\"id\":\"\",", "\"finish_reason\":\"stop\"", "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}", "\"timings\":{\"prompt_n\":3,\"predicted_n\":4}", "\"choices\":[]", "\"object\":\"chat.completion\"",
        "\"model\":\"default_model\"", "\"reasoning\":\"x\"", "\"type\":\"response.output_item.added\"", "\"item_id\":\"m\"", "\"sequence_number\":7",
    ];

    private static readonly string[] Chat =
    [
        """data: {"id":"c","created":1,"object":"chat.completion.chunk","model":"default_model","choices":[{"index":0,"delta":{"role":"assistant","content":"€"},"finish_reason":null}]}""" + "\n\n" + """data: {"choices":[{"index":0,"delta":{"reasoning":"a"},"logprobs":null,"finish_reason":null}]}""" + "\n\n",
        """data: {"choices":[{"delta":{"tool_calls":[{"function":{"name":"a","arguments":""}},{"id":"","index":1,"function":{"name":"b"}}]},"index":0}]}""" + "\n\n" + """data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"timings":{"prompt_n":1,"predicted_n":2,"predicted_per_second":1.5}}""" + "\r\n\r\ndata: [DONE]\r\n\r\n",
        """data: {"object":"chat.completion","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}""" + "\n\ndata: [DONE]\n\n",
        ": comment\n\nevent: x\nid: 1\ndata: {\"choices\":[]}\ndata: more\n\ndata: [DONE]\n\n",
    ];

    private static readonly string[] Responses =
    [
        """event: response.created""" + "\n" + """data: {"type":"response.created","response":{"id":"r","model":"default_model"}}""" + "\n\n",
        """data: {"type":"response.output_item.added","item":{"id":"m","type":"message"}}""" + "\n\n" + """data: {"type":"response.content_part.added","item_id":"m"}""" + "\n\n" + """data: {"type":"response.output_text.delta","item_id":"m","delta":"€"}""" + "\n\n",
        """data: {"type":"response.output_item.added","output_index":3,"sequence_number":4,"item":{"type":"function_call","id":"f"}}""" + "\r\n\r\n" + """data: {"type":"response.completed","response":{"usage":{}}}""" + "\n\n",
    ];

    private static readonly string[] Bodies =
    [
        """{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.1,-2e-3,3]},{"embedding":"AACAPwAAAEA=","index":1}],"model":"default_model","usage":{"prompt_tokens":1}}""",
        """{"id":"c","object":"chat.completion","model":"default_model","choices":[{"index":0,"message":{"role":"assistant","reasoning":"€","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},"finish_reason":null}]}""",
        """{"data":[{"embedding":[[1,2],[3]]},{"embedding":[]},{"embedding":""}]}""",
    ];

    [Fact]
    public void Chat_MutatedAndCut_ComesOutTheSame() => Assert.InRange(TryAll(Chat, FilterChain.OfChat, Seed), Inputs / 4, Inputs);

    [Fact]
    public void ChatWithoutCounts_MutatedAndCut_ComesOutTheSame() => Assert.InRange(TryAll(Chat, FilterChain.OfChatWithoutCounts, Seed + 1), Inputs / 4, Inputs);

    [Fact]
    public void Responses_MutatedAndCut_ComeOutTheSame() => Assert.InRange(TryAll(Responses, FilterChain.OfResponses, Seed + 2), Inputs / 4, Inputs);

    [Fact]
    public void Bodies_Mutated_StayJsonAndTheirVectorsTheSame()
    {
        var (whole, vectors) = (0, 0);
        var mutations = new Mutations(Seed + 3, Bodies, [.. Words, "1.5,", "[1,2]", "\"embedding\":[0.25],", "\"AACAPw==\"", "\"data\":[{"]);
        for (var i = 0; i < Inputs; i++)
        {
            var bytes = mutations.Next();
            var text = Encoding.UTF8.GetString(bytes);
            IAnswerFilter[] filters = [new AnswerRewriter("default_model", "mine", namesReasoning: true), new ToolCallIds(), new FinishReasons(StreamShape.Chat, "mine"), new EmbeddingEncoding(wantsBase64: i % 2 == 0)];
            var filtered = filters.Aggregate(new ReadOnlyMemory<byte>(bytes), static (body, filter) => filter.FilterBody(body).ToArray());
            if (text.Contains("\\u", StringComparison.Ordinal) || !Utf8.IsValid(bytes))
            {
                continue; // half a character: no document can say what it is
            }

            var before = VectorsOf(bytes);
            if (before is null)
            {
                Assert.True(filtered.Span.SequenceEqual(bytes), text); // what is no JSON is nobody's to change
                continue;
            }

            whole++;
            var after = VectorsOf(filtered);
            Assert.True(after is not null && after.SequenceEqual(before, StringComparer.Ordinal), $"{text}\n--- became\n{Encoding.UTF8.GetString(filtered.Span)}");
            vectors += before.Count;
        }

        Assert.True(whole > Inputs / 10 && vectors > Inputs / 20, $"{whole} JSON, {vectors} vectors: the mutations try too little");
    }

    // The vectors of a body as texts, in whichever encoding each is; null: it is no JSON.
    private static List<string>? VectorsOf(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var json = JsonDocument.Parse(body);
            return json.RootElement.ValueKind != JsonValueKind.Object ? [] :
            [
                .. json.RootElement.EnumerateObject().Where(m => m.NameEquals("data"u8) && m.Value.ValueKind == JsonValueKind.Array)
                    .SelectMany(m => m.Value.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.Object))
                    .SelectMany(e => e.EnumerateObject().Where(m => m.NameEquals("embedding"u8)))
                    .Select(m => Floats(m.Value)),
            ];
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Floats(JsonElement vector) => vector.ValueKind switch
    {
        JsonValueKind.String when vector.TryGetBytesFromBase64(out var raw) && raw.Length % sizeof(float) == 0 => string.Join(' ', MemoryMarshal.Cast<byte, float>(raw).ToArray()),
        JsonValueKind.Array when vector.EnumerateArray().All(n => n.ValueKind == JsonValueKind.Number) => string.Join(' ', vector.EnumerateArray().Select(n => n.GetSingle())),
        _ => vector.GetRawText(),
    };

    // How many of the streams the filters changed: if it is few, the property says little.
    private static int TryAll(string[] corpus, Func<FilterChain> chain, int seed)
    {
        var changed = 0;
        var mutations = new Mutations(seed, corpus, Words);
        for (var i = 0; i < Inputs; i++)
        {
            var bytes = mutations.Next();
            var whole = chain().Run([bytes]);
            var cut = chain().Run(Pieces.Cut(bytes, mutations.Random));

            // How many empty lines stand behind the last event is no part of it.
            Assert.True(whole.TrimEnd('\r', '\n') == cut.TrimEnd('\r', '\n'), $"{Encoding.UTF8.GetString(bytes)}\n--- in one piece\n{whole}\n--- in several\n{cut}");
            changed += whole == Encoding.UTF8.GetString(bytes) ? 0 : 1;
        }

        return changed;
    }
}
