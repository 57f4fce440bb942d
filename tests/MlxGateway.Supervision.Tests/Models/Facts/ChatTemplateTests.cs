using MlxGateway.Supervision.Models;
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

    [Theory]
    [InlineData("llama", ToolFormat.Native, "{% if tools %}{{ tools | tojson }}<tool_call>{{ tool_call.name }}</tool_call>{% endif %}")] // Qwen 2.5 and 3
    [InlineData("qwen3", ToolFormat.Native, "{{ tools }}<tool_call>\n<function=")] // Qwen3-Coder
    [InlineData("glm4", ToolFormat.Native, "{{ tools }}<tool_call><arg_key>")]
    [InlineData("mistral", ToolFormat.Native, "{{ tools }}[TOOL_CALLS]")]
    [InlineData("gemma4", ToolFormat.Native, "{{ tools }}<|tool_call>x<tool_call|>")]
    [InlineData("llama", ToolFormat.Hermes, "{% for tool in tools %}<tool_call>{{ call.name }}</tool_call>{% endfor %}")]
    [InlineData("llama", ToolFormat.Hermes, "{{ messages }}", "{{ tools }}<tool_call>{{ tool_call.name }}")] // Hermes 3: mlx_lm knows no form where there are several templates
    [InlineData("mistral", ToolFormat.Mistral, "{{ messages }}", "{{ tools }}[TOOL_CALLS]")]
    [InlineData("llama", ToolFormat.Llama3, "<|start_header_id|>{% if tools %}{\"name\": function name, \"parameters\"{% endif %}<|python_tag|>")] // Llama 3.1
    [InlineData("llama", ToolFormat.Llama3, "<|start_header_id|>{% if tools %}{{ tools }}{% endif %}")] // Llama 3.2
    [InlineData("llama", ToolFormat.Native, "<|start_header_id|>{{ messages }}")] // Llama 3
    [InlineData("gemma3", ToolFormat.Gemma, "<start_of_turn>{{ messages }}")]
    [InlineData("gemma3_text", ToolFormat.Gemma, "<start_of_turn>{{ messages }}")]
    [InlineData("gemma3n", ToolFormat.Gemma, "<start_of_turn>{{ messages }}")]
    [InlineData("gemma2", ToolFormat.Native, "<start_of_turn>{{ messages }}")] // never taught to call anything
    [InlineData("gemma3_text", ToolFormat.Native, "<start_of_turn>{{ tools }}<start_function_call>")] // FunctionGemma
    [InlineData("gemma3_text", ToolFormat.Native, "<start_of_turn>{% if tools %}{{ tools }}{% endif %}")] // somebody's own, for which nobody knows a form
    [InlineData("gemma3", ToolFormat.Native)]
    [InlineData(null, ToolFormat.Native, "{{ messages }}")]
    public void Calls_WhichEnginesDoNotReadByTheTemplate_HaveTheirForm(string? architecture, ToolFormat expected, params string[] templates) => Assert.Equal(expected, ChatTemplate.UnreadCalls(templates, architecture));
}
