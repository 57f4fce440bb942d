using System.Text;
using System.Text.Json;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models.Facts;

/// <summary>Where chat templates lie, and what a tokenizer's configuration says.</summary>
public sealed class MlxTemplateTests : IDisposable
{
    private const string Plain = "{{ messages }}";
    private const string WithTools = "{% if tools %}{{ tools }}{% endif %}";
    private const string Thinking = "{% if enable_thinking %}x{% endif %}";
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("tokenizer_config.json", $$"""{"chat_template":"{{WithTools}}"}""", true, true, false)]
    [InlineData("tokenizer_config.json", $$"""{"chat_template":[{"name":"default","template":"{{Plain}}"},{"name":"tool_use","template":"{{WithTools}}"}]}""", true, true, false)]
    [InlineData("tokenizer_config.json", $$$"""{"chat_template":{"default":"{{{Thinking}}}"}}""", true, false, true)]
    [InlineData("tokenizer_config.json", """{"chat_template":null}""", false, false, false)]
    [InlineData("tokenizer_config.json", """{"chat_template":[]}""", false, false, false)]
    [InlineData("tokenizer_config.json", """{"chat_template":[{"name":"tools"}]}""", false, false, false)]
    [InlineData("tokenizer_config.json", """{"chat_template_type":"deepseek_v32"}""", true, false, false)]
    [InlineData("tokenizer_config.json", """{"added_tokens_decoder":{"0":{"content":"chat_template"}}}""", false, false, false)]
    [InlineData("tokenizer_config.json", "{", false, false, false)]
    [InlineData("chat_template.jinja", Thinking + WithTools, true, true, true)]
    [InlineData("chat_template.json", $$"""{"chat_template":"{{Plain}}"}""", true, false, false)]
    [InlineData("additional_chat_templates/tool_use.jinja", WithTools, true, true, false)]
    [InlineData("tokenizer.json", """{"chat_template":"{{ tools }}"}""", false, false, false)]
    public void Template_WhereverItLies_IsFound(string file, string text, bool has, bool tools, bool thinks)
    {
        _folder.Write("m/config.json", """{"model_type":"llama"}""");
        _folder.Write($"m/{file}", text);

        var facts = MlxFacts.Read(_folder.In("m")).Facts!;

        Assert.Equal((has, tools, thinks), (facts.HasChatTemplate, facts.TakesTools, facts.Thinks));
    }

    [Fact]
    public void Template_OfItsOwnFile_WinsOverThatOfTheTokenizer()
    {
        _folder.Write("m/config.json", """{"model_type":"llama"}""");
        _folder.Write("m/tokenizer_config.json", JsonSerializer.Serialize(new { chat_template = WithTools }));
        _folder.Write("m/chat_template.jinja", Plain);

        Assert.False(MlxFacts.Read(_folder.In("m")).Facts!.TakesTools);
    }

    [Theory]
    [InlineData("""{"model_max_length":32768}""", 32768.0)]
    [InlineData("""{"model_max_length":1000000000000000019884624838656}""", 1e30)]
    [InlineData("""{"model_max_length":"32768"}""", null)]
    [InlineData("""{"x":{"model_max_length":1}}""", null)]
    [InlineData("[]", null)]
    public void Length_IsThatOfTheTokenizer(string json, double? expected) =>
        Assert.Equal(expected, TokenizerConfig.Parse(Encoding.UTF8.GetBytes(json)).Length is { } length ? Math.Round(length / 1e20) is 0 ? length : 1e30 : null);
}
