using System.Text;
using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Inference.Asking;
using Xunit;

namespace MlxGateway.Tests.Inference.Asking;

/// <summary>What clients of other services send, as pairs: what came, and what the engine gets.</summary>
public sealed class ForeignPartsTests
{
    private const string Function = """{"type":"function","function":{"name":"f","parameters":{"type":"web_search","x":[{"type":"custom"}]}}}""";

    [Theory]
    [InlineData("[]", "[]")]
    [InlineData("[F]", "[F]")]
    [InlineData("[{}]", "[{}]")]
    [InlineData("""[{"type":"web_search"}]""", "[]")]
    [InlineData("""[ {"type":"web_search"} , {"type":"custom","custom":{"name":"x"}} ]""", "[ ]")]
    [InlineData("""[{"type":"web_search"},F]""", "[F]")]
    [InlineData("""[F,{"type":"web_search"}]""", "[F]")]
    [InlineData("""[F, {"type":"web_search"} , {"name":"x","type":"namespace"}, F]""", "[F, F]")]
    [InlineData("""[{"type":"a"},F,{"type":"b"},F,{"type":"c"}]""", "[F,F]")]
    [InlineData("""[F,"text",7,null,[{"type":"a"}],{"type":1}]""", """[F,"text",7,null,[{"type":"a"}],{"type":1}]""")]
    [InlineData("\"all\"", "\"all\"")]
    [InlineData("""{"type":"web_search"}""", """{"type":"web_search"}""")]
    public async Task Tools_ThatAreNoFunctions_AreTakenOut(string sent, string got)
    {
        sent = sent.Replace("F", Function, StringComparison.Ordinal);
        got = got.Replace("F", Function, StringComparison.Ordinal);

        foreach (var front in new[] { "", "\"x\":\"€\",", "\"tool_choice\":\"auto\" , " })
        {
            Assert.Equal($$"""{{{front}}"tools": {{got}} ,"n":1}""", await ShapedAsync($$"""{{{front}}"tools": {{sent}} ,"n":1}""", InferenceRoute.ChatCompletions, static r => ForeignParts.ToolsBesideFunctions(r.Json, r.Fields.ToolsOffset)));
        }
    }

    [Theory]
    [InlineData("\"hi\"", "\"hi\"")]
    [InlineData("""[{"type":"message","content":[]}]""", """[{"type":"message","content":[]}]""")]
    [InlineData("""[{"type":"reasoning","id":"r","summary":[]}]""", """[{W,"type":"reasoning","id":"r","summary":[]}]""")]
    [InlineData("""[{"type":"reasoning","content":null,"encrypted_content":"x"}]""", """[{"type":"reasoning",W,"encrypted_content":"x"}]""")]
    [InlineData("""[{ "content" : [ ] , "type":"reasoning"},"x",{"type":"reasoning"}]""", """[{ "content" : V , "type":"reasoning"},"x",{W,"type":"reasoning"}]""")]
    [InlineData("""[{"type":"reasoning","content":[{"type":"reasoning_text","text":"so"}]}]""", """[{"type":"reasoning","content":[{"type":"reasoning_text","text":"so"}]}]""")]
    [InlineData("""[{"type":"message","content":[{"type":"reasoning"}]}]""", """[{"type":"message","content":[{"type":"reasoning"}]}]""")]
    public async Task Thoughts_WithoutWords_GetAnEmptyText(string sent, string got)
    {
        const string Words = """[{"type":"reasoning_text","text":""}]""";
        got = got.Replace("W", "\"content\":" + Words, StringComparison.Ordinal).Replace("V", Words, StringComparison.Ordinal);

        Assert.Equal($$"""{"input":{{got}},"n":1}""", await ShapedAsync($$"""{"input":{{sent}},"n":1}""", InferenceRoute.Responses, static r => ForeignParts.ThoughtsWithoutWords(r.Json, r.Fields.InputOffset)));
    }

    [Fact]
    public async Task Tools_NestedAsDeepAsABodyMayBe_AreReadToo()
    {
        var deep = string.Concat(Enumerable.Repeat("{\"a\":", 480)) + "1" + new string('}', 480);
        var got = await ShapedAsync("{\"tools\":[{\"parameters\":" + deep + ",\"type\":\"other\"}]}", InferenceRoute.ChatCompletions, static r => ForeignParts.ToolsBesideFunctions(r.Json, r.Fields.ToolsOffset));

        Assert.Equal("{\"tools\":[]}", got);
    }

    private static async Task<string> ShapedAsync(string body, InferenceRoute route, Func<JsonRequest, List<BodyEdit>> find)
    {
        using var request = (JsonRequest)await ClientExchange.RequestAsync(body, route);
        find(request).ForEach(e => request.Edit(e));
        await using var sent = request.OpenBody();
        using var text = new MemoryStream();
        await sent.CopyToAsync(text, TestContext.Current.CancellationToken);
        var got = Encoding.UTF8.GetString(text.ToArray());
        using var json = JsonDocument.Parse(got, new JsonDocumentOptions { MaxDepth = 1000 });
        return got;
    }
}
