using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models.Facts;

/// <summary>What the text of a chat template tells. The templates are written for the tests, in the manner of the models named.</summary>
public sealed class ChatTemplateTests
{
    [Theory]
    [InlineData("{% if tools %}{{ tools | tojson }}{% endif %}", true)]
    [InlineData("{%- if not tools is defined %}{%- set tools = none %}{%- endif %}", true)] // Llama 3.1
    [InlineData("{{ '}}' }}{% if x %}{{ '%}' + (tools|tojson) }}{% endif %}", true)]
    [InlineData("{% for m in messages %}{{ m.content }}{% endfor %}", false)]
    [InlineData("You have no tools. {% for m in messages %}{{ m.tools }}{% endfor %}", false)]
    [InlineData("{# tools #}{{ 'tools' }}{{ builtin_tools }}{{ tools_json }}", false)]
    [InlineData("{{ 'it\\'s tools' }}", false)]
    [InlineData("{", false)]
    [InlineData("{%", false)]
    [InlineData("{{ 'open", false)]
    [InlineData("{{ 'open\\", false)]
    [InlineData("{# open tools", false)]
    [InlineData("{#}{{ tools }}", false)] // a comment that never ends
    [InlineData("", false)]
    public void Tools_TheTemplateReadsTheVariable_AreTaken(string template, bool expected) => Assert.Equal(expected, ChatTemplate.TakesTools(template));

    [Theory]
    [InlineData("{%- if enable_thinking is defined and enable_thinking is false %}x{%- endif %}", true)] // Qwen3
    [InlineData("{% if not thinking is defined %}{% set thinking = false %}{% endif %}", true)] // DeepSeek V3.1
    [InlineData("{{- \"Reasoning: \" + reasoning_effort }}", true)] // gpt-oss
    [InlineData("{{ content.split('</think>')[-1] }}", true)] // DeepSeek-R1-Distill
    [InlineData("<|im_start|>assistant\n<think>\n", true)]
    [InlineData("Put your thoughts between [THINK] and [/THINK].", true)] // Magistral
    [InlineData("{% for m in messages %}{{ m.content }}{% endfor %}", false)]
    [InlineData("You are careful: think step by step, reasoning aloud. {{ m.thinking }}", false)]
    [InlineData("{# <think> enable_thinking #}", false)]
    public void Thoughts_TheTemplateSwitchesOrMarksThem_AreThere(string template, bool expected) => Assert.Equal(expected, ChatTemplate.Thinks(template));
}
