using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;
using Xunit;

namespace MlxGateway.Tests.Inference.Asking;

/// <summary>
/// Whatever body comes, in whatever blocks it lies: what an engine gets is what a parser with a document makes of the body and the engine's rules, and all that no rule speaks of is there byte for byte.
/// <c>MLXGATEWAY_TESTS_FUZZ=N</c> makes it N thousand inputs, from another seed.
/// </summary>
public sealed partial class ShapingFuzzTests
{
    private static readonly int? Thousands = int.TryParse(Environment.GetEnvironmentVariable("MLXGATEWAY_TESTS_FUZZ"), CultureInfo.InvariantCulture, out var n) ? n : null;
    private static readonly int Inputs = (Thousands ?? 10) * 1000;
    private static readonly int Seed = Thousands ?? 20_261_129;
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 512 };

    private static readonly string[] Bodies =
    [
        """{"model":"m","messages":[{"role":"user","content":"hello"}],"stream":true}""",
        """{"stream":false,"messages":[{"role":"user","content":[{"type":"text","text":"€𝄞"}]}],"temperature":null,"stream_options":null}""",
        """{"messages":[],"tools":[{"type":"function","function":{"name":"f"}},{"type":"web_search"}],"model":"a","max_tokens":7,"logprobs":false}""",
        """{"adapters":"x","draft_model":null,"messages":[],"stream_options":{"include_usage":true},"stream":true,"xtc_probability":1}""",
        """{"input":[{"type":"reasoning","id":"r","summary":[]},{"type":"message","content":[]},{"content":null,"type":"reasoning"}],"model":"m","stream":true}""",
        """{"prompt":"x","stop":["a","b"],"seed":null,"stream":true,"stream_options":{},"top_p":0.5}""",
        "\uFEFF { \n\"messages\" : [ ] , \"model\" : null , \"top_k\":1e1, \"draft_model\" : 1 }\n",
        """{"temperature":null}""",
        "{}",
    ];

    private static readonly string[] Words =
    [
        "\"model\":\"x\",", "\"temperature\":null,", ",\"temperature\":null", "\"adapters\":{},", "\"stream\":false,", ",\"stream\":false", "\"stream_options\":{\"include_usage\":true},", "\"stream_options\":null,",
        "{\"type\":\"custom\"},", ",{\"type\":\"custom\"}", "{\"type\":\"reasoning\"},", "\"type\":\"image_url\"", "\"logprobs\":true,", "\"logprobs\":5,", "\"top_logprobs\":20,", "\"xtc_threshold\":1,", "\"max_tokens\":0,", "\"messages\":[],", "\"prompt\":\"p\",",
        "null", "{", "}", "[", "]", ",", "\"", "\\", "\\u0065", "\\ud800", " ", "\n", "€", "1e999", "-1", "true",
    ];

    // Engine, what its model sees, and the route. None of their requests needs to be waited for.
    private static readonly (ModelSpec Model, InferenceRoute Route)[] Ways =
    [
        (Of(KindNames.MlxLm), InferenceRoute.ChatCompletions),
        (Of(KindNames.MlxLm), InferenceRoute.Completions),
        (Of(KindNames.MlxVlm), InferenceRoute.ChatCompletions),
        (Of(KindNames.MlxVlm), InferenceRoute.Responses),
        (Of(KindNames.LlamaServer), InferenceRoute.ChatCompletions),
        (Of(KindNames.LlamaServer), InferenceRoute.Responses),
        (Of(KindNames.Command), InferenceRoute.ChatCompletions),
    ];

    [Fact]
    public async Task Bodies_Mutated_BecomeWhatADocumentUnderTheRulesBecomes()
    {
        var chain = new ShapingChain(fetcher: null);
        var (sent, refused, changed) = (0, 0, 0);
        var mutations = new Mutations(Seed, Bodies, Words);
        for (var i = 0; i < Inputs; i++)
        {
            var bytes = mutations.Next();
            var (model, route) = Ways[i % Ways.Length];
            using var stream = new MemoryStream(bytes);
            var (request, unread) = JsonRequest.Check(route, PooledBody.Read(stream, i % 3 == 0 ? 1 + mutations.Random.Next(20) : int.MaxValue));
            if (unread is not null)
            {
                continue;
            }

            using (request)
            {
                using var exchange = ShapingChain.Exchange(request!, new ClientExchange());
                var error = await chain.RunAsync(exchange, model);
                var got = error is null ? await BodyOf(request!) : [];
                var text = $"{model.Runner} {route.Path}\n{Encoding.UTF8.GetString(bytes)}\n{error?.Message ?? Encoding.UTF8.GetString(got)}";
                using var document = error is null ? Parse(got, text) : null;
                if (HalfCharacters().IsMatch(Encoding.UTF8.GetString(bytes)))
                {
                    continue; // no document can say what its names and texts are
                }

                var (expected, param) = Oracle.Of((JsonRequest)request!, bytes, ShapingChain.Kinds.MannersFor(model)!, route);
                Assert.True(error?.Param == param, $"{param} is wrong, not {error?.Param}: {text}");
                (sent, refused) = error is null ? (sent + 1, refused) : (sent, refused + 1);
                if (error is null)
                {
                    var members = Oracle.MembersOf(document!.RootElement);
                    Assert.True(expected.Order(StringComparer.Ordinal).SequenceEqual(members.Order(StringComparer.Ordinal)), $"{string.Join('\n', expected)}\n--- but\n{string.Join('\n', members)}\n--- of\n{text}");
                    changed += got.Length == bytes.Length ? 0 : 1;
                }
            }
        }

        Assert.True(sent > Inputs / 10 && refused > Inputs / 20 && changed > Inputs / 10, $"{sent} sent, {refused} refused, {changed} changed: the mutations try too little");
    }

    private static ModelSpec Of(string kind) => new() { Id = "mine", Runner = kind, UpstreamModel = "up\"stream" };

    private static async Task<byte[]> BodyOf(InferenceRequest request)
    {
        await using var body = request.OpenBody();
        var bytes = new byte[body.Length];
        await body.ReadExactlyAsync(bytes, TestContext.Current.CancellationToken);
        Assert.Equal(0, body.Read(new byte[1], 0, 1));
        return bytes;
    }

    private static JsonDocument Parse(byte[] bytes, string text)
    {
        try
        {
            return JsonDocument.Parse(bytes, Deep);
        }
        catch (JsonException broken)
        {
            throw new InvalidOperationException($"It is no JSON any more: {text}", broken);
        }
    }

    [GeneratedRegex(@"\\u[dD][89a-fA-F]")]
    private static partial Regex HalfCharacters();

    /// <summary>The same rules over a document.</summary>
    private static class Oracle
    {
        private const string Counts = """{"include_usage":true}""";

        /// <summary>The members that the engine must get, in any order, or the field for which the request must be refused.</summary>
        public static (List<string> Members, string? Param) Of(JsonRequest request, byte[] bytes, RunnerManners manners, InferenceRoute route)
        {
            using var document = JsonDocument.Parse(bytes.AsMemory(bytes.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0), Deep);
            var all = document.RootElement.EnumerateObject().ToList();
            var kept = new List<(int At, JsonProperty Member)>();
            for (var at = 0; at < all.Count; at++)
            {
                var member = all[at];
                if (manners.Rules is not { } rules || member.NameEquals("model"u8))
                {
                    kept.Add((at, member));
                    continue;
                }

                var rule = rules.Fields.FirstOrDefault(f => member.NameEquals(f.Name));
                if (member.Value.ValueKind == JsonValueKind.Null ? rules.DropsNulls : rule?.IsDropped == true)
                {
                    continue;
                }

                if (rule is not null && member.Value.ValueKind != JsonValueKind.Null && !Fits(rule, member.Value, rules.IsTextOnly))
                {
                    return ([], rule.Name);
                }

                if (member.Value.ValueKind == JsonValueKind.Null || rule?.DroppedUnless is not { } needed || IsTrue(member.Value, needed))
                {
                    kept.Add((at, member));
                }
            }

            var there = all.Where(m => m.Value.ValueKind != JsonValueKind.Null).Select(m => m.Name).ToHashSet(StringComparer.Ordinal);
            if (manners.Rules?.Fields.FirstOrDefault(f => f.RequiredOn.Contains(route.Path) && !there.Contains(f.Name)) is { } missing)
            {
                return ([], missing.Name);
            }

            var asks = manners.AsksForStreams && !request.Stream && all.TrueForAll(m => !(m.NameEquals("logprobs"u8) || m.NameEquals("top_logprobs"u8)) || m.Value.ValueKind is JsonValueKind.Null or JsonValueKind.False);
            var lastTools = all.FindLastIndex(m => m.NameEquals("tools"u8));
            var lastInput = all.FindLastIndex(m => m.NameEquals("input"u8));
            var members = new List<string>();
            foreach (var (at, member) in kept.Where(k => !k.Member.NameEquals("model"u8) && !(asks && (k.Member.NameEquals("stream"u8) || k.Member.NameEquals("stream_options"u8)))))
            {
                var wantsPoint = manners.Rules?.Fields.FirstOrDefault(f => member.NameEquals(f.Name)) is { Shape: FieldShape.Fraction } && member.Value.ValueKind == JsonValueKind.Number;
                members.Add(Say(member.Name, wantsPoint && member.Value.TryGetInt64(out var whole) ? $"{whole}.0"
                    : at == lastTools && manners.TakesFunctionsOnly && route.Shape == StreamShape.Chat ? FunctionsOnly(member.Value)
                    : at == lastInput && manners.WantsWordsOfThoughts && route.Shape == StreamShape.Responses ? WithWords(member.Value)
                    : member.Value.GetRawText()));
            }

            members.Add(Say("model", JsonSerializer.Serialize(manners.UpstreamModel)));
            if (asks)
            {
                members.AddRange([Say("stream", "true"), Say("stream_options", Counts)]);
            }
            else if (manners.CountsOnlyIfAsked && route.EndsWithDone && request.Stream && !(all.FindLast(m => m.NameEquals("stream_options"u8)).Value is { ValueKind: JsonValueKind.Object } options && IsTrue(options, "include_usage")))
            {
                members.Add(Say("stream_options", Counts));
            }

            return (Once(members), null);
        }

        /// <summary>The members of what is sent. Lists of tools and thoughts are compared item by item, so that white space between them does not count.</summary>
        public static List<string> MembersOf(JsonElement sent) =>
            Once(sent.EnumerateObject().Select(m => Say(m.Name, m.Value.GetRawText())));

        // What is said of streams may be said twice in the same words.
        private static List<string> Once(IEnumerable<string> members) =>
            [.. members.GroupBy(static m => m, StringComparer.Ordinal).SelectMany(static g => g.Key.StartsWith("stream", StringComparison.Ordinal) ? g.Take(1) : g)];

        private static string Say(string name, string raw) => name is "tools" or "input" && JsonDocument.Parse(raw, Deep).RootElement is { ValueKind: JsonValueKind.Array } list
            ? $"{name}={string.Join(" ; ", list.EnumerateArray().Select(Flat))}"
            : $"{name}={raw}";

        private static string Flat(JsonElement item) =>
            item.ValueKind == JsonValueKind.Object ? string.Join(" , ", item.EnumerateObject().Select(m => $"{m.Name}:{m.Value.GetRawText()}")) : item.GetRawText();

        private static bool IsTrue(JsonElement value, string member) => value.EnumerateObject().FirstOrDefault(m => m.NameEquals(member)) is { Value.ValueKind: JsonValueKind.True };

        private static bool Fits(FieldRule rule, JsonElement value, bool isTextOnly)
        {
            var isNumber = value.ValueKind == JsonValueKind.Number;
            var fits = rule.Shape switch
            {
                FieldShape.Text => value.ValueKind == JsonValueKind.String,
                FieldShape.Texts => value.ValueKind == JsonValueKind.String || (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String)),
                FieldShape.Boolean => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
                FieldShape.WholeNumber => isNumber && value.TryGetInt64(out _),
                FieldShape.Number or FieldShape.Fraction => isNumber,
                FieldShape.List => value.ValueKind == JsonValueKind.Array,
                FieldShape.Map => value.ValueKind == JsonValueKind.Object,
                _ => true,
            };
            return fits && !(isNumber && (value.GetDouble() < rule.Min || value.GetDouble() > rule.Max)) && !(isTextOnly && rule.Name == "messages" && !value.EnumerateArray().All(IsText));
        }

        // A list of parts is looked at up to the first that is no part.
        private static bool IsText(JsonElement message) => message.ValueKind == JsonValueKind.Object && message.EnumerateObject()
            .Where(m => m.NameEquals("content"u8) && m.Value.ValueKind == JsonValueKind.Array)
            .All(m => m.Value.EnumerateArray().TakeWhile(p => p.ValueKind == JsonValueKind.Object)
                .All(p => p.EnumerateObject().All(f => !f.NameEquals("type"u8) || f.Value.ValueKind != JsonValueKind.String || f.Value.ValueEquals("text"u8))));

        private static string FunctionsOnly(JsonElement tools) => tools.ValueKind != JsonValueKind.Array ? tools.GetRawText()
            : $"[{string.Join(',', tools.EnumerateArray().Where(t => t.ValueKind != JsonValueKind.Object || LastType(t) is not { ValueKind: JsonValueKind.String } type || type.ValueEquals("function"u8)).Select(t => t.GetRawText()))}]";

        private static JsonElement? LastType(JsonElement item) => item.EnumerateObject().Where(m => m.NameEquals("type"u8)).Select(m => (JsonElement?)m.Value).LastOrDefault();

        private static string WithWords(JsonElement input) => input.ValueKind != JsonValueKind.Array ? input.GetRawText() : $"[{string.Join(',', input.EnumerateArray().Select(WithWordsOf))}]";

        private static string WithWordsOf(JsonElement item)
        {
            const string Words = """[{"type":"reasoning_text","text":""}]""";
            if (item.ValueKind != JsonValueKind.Object || !item.EnumerateObject().Any(m => m.NameEquals("type"u8) && m.Value.ValueKind == JsonValueKind.String && m.Value.ValueEquals("reasoning"u8)))
            {
                return item.GetRawText();
            }

            var contents = item.EnumerateObject().Where(m => m.NameEquals("content"u8)).ToList();
            if (contents.Count == 0)
            {
                return $$"""{"content":{{Words}},{{item.GetRawText()[1..]}}""";
            }

            var last = contents[^1];
            var isEmpty = last.Value.ValueKind == JsonValueKind.Null || (last.Value.ValueKind == JsonValueKind.Array && last.Value.GetArrayLength() == 0);
            return $"{{{string.Join(',', item.EnumerateObject().Select(m => $"{JsonSerializer.Serialize(m.Name)}:{(isEmpty && m.Equals(last) ? Words : m.Value.GetRawText())}"))}}}";
        }
    }
}
