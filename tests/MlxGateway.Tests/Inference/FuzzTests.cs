using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using MlxGateway.Inference;
using Xunit;

namespace MlxGateway.Tests.Inference;

/// <summary>
/// Whatever bytes come, these throw nothing and keep their laws. About 100,000 inputs in every run; <c>MLXGATEWAY_TESTS_FUZZ=N</c> makes it N thousand for each, from another seed.
/// </summary>
public sealed class FuzzTests
{
    private static readonly int? Thousands = int.TryParse(Environment.GetEnvironmentVariable("MLXGATEWAY_TESTS_FUZZ"), CultureInfo.InvariantCulture, out var n) ? n : null;
    private static readonly int Inputs = (Thousands ?? 34) * 1000;
    private static readonly int Seed = Thousands ?? 20_260_102;

    private static readonly string[] Words =
    [
        "\"", "\\", "{", "}", "[", "]", ":", ",", "null", "true", "1e999", "-", "\\u", "\\ud800", "\\udc00", "\\u0065", "\uFEFF", "\0", "€", "𝄞", "//", "/*",
        "\"model\":", "\"stream\":true,", "\"finish_reason\":\"stop\"", "\"choices\":[", "\"usage\":{", "\"prompt_tokens\":", "\"error\":", "\"message\":", "\n", "\r\n", "\n\n", "data: ", "[DONE]", "[[[[[[[[", "{\"a\":",
    ];

    private static readonly string[] Bodies =
    [
        """{"model":"m","messages":[{"role":"user","content":"hello"}],"stream":true}""",
        """{"messages":[{"role":"user","content":[{"type":"text","text":"€𝄞\n\u0041"}]}],"model":"org/name:tag","temperature":0.7,"tools":[{"function":{"parameters":{"model":"inner"}}}]}""",
        """{"mod\u0065l":"a","str\u0065am":false,"x":[[],{},null,1.5e-3]}""",
        "\uFEFF {\n \"prompt\" : \"x\" , \"model\" : null }\n",
        "{}",
    ];

    private static readonly string[] Streams =
    [
        """data: {"id":"1","choices":[{"index":0,"delta":{"role":"assistant","content":"a"},"finish_reason":null}]}""" + "\n\n",
        """data: {"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"arguments":"{\"finish_reason\":\"stop\"}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}""" + "\r\n\r\n",
        """data: {"choices":[],"timings":{"prompt_n":1,"predicted_n":2},"error":null}""" + "\n\ndata: [DONE]\n\n",
        """data: {"error":{"message":"no","code":500,"type":"x"}}""" + "\n\n",
        ": comment\n\nevent: x\nid: 1\ndata: [DONE]\n\n",
    ];

    [Fact]
    public void Bodies_Mutated_AreTakenExactlyWhereAParserAgrees()
    {
        var (taken, refused) = (0, 0);
        var mutations = new Mutations(Seed, Bodies, Words);
        for (var i = 0; i < Inputs; i++)
        {
            var bytes = mutations.Next();
            var error = TopLevelFields.TryRead(i % 2 == 0 ? new ReadOnlySequence<byte>(bytes) : Pieces.Sequence(bytes, mutations.Random), out var fields);
            var expected = Parse(bytes);
            if (error is null)
            {
                taken++;
                Assert.True(expected is not null && (expected.Value.Model, expected.Value.Stream) == (fields.Model, fields.Stream), Encoding.UTF8.GetString(bytes));
            }
            else
            {
                refused++;
                Assert.True(expected is null, $"{Encoding.UTF8.GetString(bytes)} was refused: {error.Message}");
            }
        }

        Assert.True(taken > Inputs / 20 && refused > Inputs / 20, $"{taken} taken, {refused} refused: the mutations try too little");
    }

    [Fact]
    public void Streams_MutatedAndCut_LoseNothing()
    {
        var mutations = new Mutations(Seed + 1, Streams, Words);
        for (var i = 0; i < Inputs; i++)
        {
            var bytes = mutations.Next();
            using var framer = new SseFramer();
            var at = 0;
            foreach (var piece in Pieces.Cut(bytes, mutations.Random))
            {
                var rest = piece;
                while (!rest.IsEmpty && framer.TryTake(ref rest, out var events))
                {
                    Assert.True(events.Span.SequenceEqual(bytes.AsSpan(at, events.Length)));
                    Assert.True(events.Span.EndsWith("\n\n"u8) || events.Span.EndsWith("\n\r\n"u8));
                    at += events.Length;
                }
            }

            Assert.True(framer.Held.Span.SequenceEqual(bytes.AsSpan(at)));
        }
    }

    [Fact]
    public void Events_Mutated_AreCompleteOnlyWhereAParserFindsTheEnd()
    {
        var complete = 0;
        var mutations = new Mutations(Seed + 2, Streams, Words);
        for (var i = 0; i < Inputs; i++)
        {
            var bytes = mutations.Next();
            var facts = default(StreamFacts);
            var error = facts.Note(bytes);
            using var tail = new TailBuffer();
            tail.Add(bytes);
            _ = tail.FindUsage();
            _ = RunnerError.From(400 + (i % 200), bytes, "m", "stub", "/v1/x");
            complete += facts.IsComplete ? 1 : 0;
            var expected = Encoding.Latin1.GetString(bytes).Split('\n').Any(l => l.StartsWith("data:", StringComparison.Ordinal) && SaysEnd(Encoding.Latin1.GetBytes(l[5..].Trim(' ').TrimEnd('\r'))));

            // What comes behind an error is not looked at any more, and an event with half a character in a name is not trusted.
            var passedOver = error is not null || bytes.AsSpan().IndexOf("\\u"u8) >= 0;
            Assert.True(facts.IsComplete == expected || (passedOver && !facts.IsComplete), Encoding.UTF8.GetString(bytes));
        }

        Assert.InRange(complete, Inputs / 20, Inputs * 19 / 20);
    }

    // What a body says to a parser with a document, where it says it unmistakably.
    private static (string? Model, bool Stream)? Parse(byte[] bytes)
    {
        try
        {
            var text = bytes.AsMemory(bytes.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0);
            using var json = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 512 });
            var fields = json.RootElement.EnumerateObject().ToList();
            var models = fields.Where(f => f.NameEquals("model"u8)).Select(f => f.Value).ToList();
            fields.ForEach(f => _ = f.NameEquals("messages"u8) || f.NameEquals("tools"u8) || f.NameEquals("keep_alive"u8)); // throws where a name holds half a surrogate pair
            var streams = fields.Where(f => f.NameEquals("stream"u8)).Select(f => f.Value).ToList();
            return models.Count > 1 || streams.Count > 1 || models.Exists(m => m.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
                || streams.Exists(s => s.ValueKind is not (JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null))
                    ? null
                    : (models.Select(m => m.GetString()).FirstOrDefault(), streams.Exists(s => s.ValueKind == JsonValueKind.True));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static bool SaysEnd(byte[] data)
    {
        if (data.AsSpan().SequenceEqual("[DONE]"u8))
        {
            return true;
        }

        try
        {
            using var json = JsonDocument.Parse(data);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.EnumerateObject()
                .Where(f => f.NameEquals("choices"u8) && f.Value.ValueKind == JsonValueKind.Array)
                .SelectMany(f => f.Value.EnumerateArray().Where(c => c.ValueKind == JsonValueKind.Object))
                .SelectMany(c => c.EnumerateObject())
                .Any(f => f.NameEquals("finish_reason"u8) && f.Value.ValueKind == JsonValueKind.String);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
