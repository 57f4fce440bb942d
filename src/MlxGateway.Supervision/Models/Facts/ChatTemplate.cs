namespace MlxGateway.Supervision.Models.Facts;

/// <summary>Tells from the text of a Jinja chat template what the model can do. It is looked at, not run: what is in comments says nothing.</summary>
/// <remarks>
/// Both answers are for people and for menus, so a wrong one costs little: a false <c>Thinks</c> comes from a template that drops old thoughts although this
/// model writes none (DeepSeek-V3-0324 shares the template of DeepSeek-R1), a false <c>TakesTools</c> from one that reads <c>tools</c> only to refuse them.
/// </remarks>
internal static class ChatTemplate
{
    // What engines hand to a template to switch thinking on or off: Qwen3, GLM 4.5, Gemma 4; DeepSeek V3.1, Granite 3.2; gpt-oss, Mistral; Seed-OSS.
    private static readonly string[] Switches = ["enable_thinking", "thinking", "reasoning_effort", "thinking_budget"];

    // What is written around a thought: most; Seed-OSS; EXAONE Deep; Magistral; Command A; gpt-oss; Gemma 4.
    private static readonly string[] Marks = ["<think>", "</think>", "<seed:think>", "<thought>", "[THINK]", "<|START_THINKING|>", "<|channel|>analysis", "<|channel>thought"];

    // What the MLX engines know the form of calls by: mlx_lm 0.31 and 0.32 and mlx_vlm 0.7 take each of these groups for one that they read. Where they differ, the gateway knows no form either.
    private static readonly string[][] ReadByEngines =
    [
        ["<minimax:tool_call>"], ["<|tool_call>", "<tool_call|>"], ["<start_function_call>"], ["<longcat_tool_call>"], ["<arg_key>"], ["<|tool_list_start|>"], ["<|tool_call_start|>"],
        ["<tool_call>\\n<function="], ["<tool_call>\n<function="], ["<|tool_calls_section_begin|>"], ["[TOOL_CALLS]"], ["<tool_call>", "tool_call.name"],
    ];

    /// <summary>The form of the calls that engines leave in the text which know it by the template. Of several templates they take the one for tools, or know none.</summary>
    /// <param name="templates">The templates, the default first.</param>
    /// <param name="architecture">The design of the model.</param>
    public static ToolFormat UnreadCalls(IReadOnlyList<string> templates, string? architecture)
    {
        return templates.Count == 1 && Array.Exists(ReadByEngines, group => Array.TrueForAll(group, mark => templates[0].Contains(mark, StringComparison.Ordinal))) ? ToolFormat.Native
        : Any("<tool_call>") ? ToolFormat.Hermes
        : Any("[TOOL_CALLS]") ? ToolFormat.Mistral
        : Any("<|python_tag|>") || (Any("<|start_header_id|>") && templates.Any(TakesTools)) ? ToolFormat.Llama3
        : architecture?.StartsWith("gemma3", StringComparison.Ordinal) == true && Any("<start_of_turn>") && !templates.Any(TakesTools) ? ToolFormat.Gemma
        : ToolFormat.Native;

        bool Any(string mark) => templates.Any(template => template.Contains(mark, StringComparison.Ordinal));
    }

    /// <summary>Whether it reads the variable <c>tools</c>, which is how every engine hands over the definitions of tools.</summary>
    public static bool TakesTools(string template) => Reads(template, ["tools"], []);

    /// <summary>Whether it reads a variable that switches thinking, or knows the marks of a thought. The mere words think or reasoning do not count: prompts say them.</summary>
    public static bool Thinks(string template) => Reads(template, Switches, Marks);

    private static bool Reads(string template, string[] variables, string[] texts)
    {
        var rest = template.AsSpan();
        while (true)
        {
            var brace = rest.IndexOf('{');
            var plain = brace < 0 || brace + 1 == rest.Length ? rest : rest[..brace];
            if (ContainsAny(plain, texts))
            {
                return true;
            }

            if (plain.Length == rest.Length)
            {
                return false;
            }

            rest = rest[brace..];
            var length = rest[1] switch
            {
                '#' => 2 + EndOf(rest[2..], "#}"),
                '%' => CodeLength(rest, '%'),
                '{' => CodeLength(rest, '}'),
                _ => 1,
            };
            if (rest[1] is '%' or '{' && (ContainsAny(rest[..length], texts) || UsesAny(rest[..length], variables)))
            {
                return true;
            }

            rest = rest[length..];
        }
    }

    private static int EndOf(ReadOnlySpan<char> text, string mark) => text.IndexOf(mark) is >= 0 and var at ? at + mark.Length : text.Length;

    // Where a statement or expression ends. A closing brace within quotes does not end it: {{ "}}" }}.
    private static int CodeLength(ReadOnlySpan<char> code, char close)
    {
        for (var i = 2; i + 1 < code.Length; i++)
        {
            if (code[i] is '"' or '\'')
            {
                i = QuoteEnd(code, i);
            }
            else if (code[i] == close && code[i + 1] == '}')
            {
                return i + 2;
            }
        }

        return code.Length;
    }

    private static int QuoteEnd(ReadOnlySpan<char> code, int at)
    {
        var quote = code[at];
        for (at++; at < code.Length && code[at] != quote; at++)
        {
            at += code[at] == '\\' ? 1 : 0;
        }

        return at;
    }

    // Whether one of the names is used as a variable: not in quotes, and not as a member of something (message.thinking).
    private static bool UsesAny(ReadOnlySpan<char> code, string[] names)
    {
        for (var i = 0; i < code.Length; i++)
        {
            if (code[i] is '"' or '\'')
            {
                i = QuoteEnd(code, i);
            }
            else if (IsWord(code[i]))
            {
                var start = i;
                while (i + 1 < code.Length && IsWord(code[i + 1]))
                {
                    i++;
                }

                var word = code[start..(i + 1)];
                foreach (var name in names)
                {
                    if (word.SequenceEqual(name) && code[start - 1] != '.') // code begins with a brace, so there is something before
                    {
                        return true;
                    }
                }
            }
        }

        return false;
    }

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c == '_';

    private static bool ContainsAny(ReadOnlySpan<char> text, string[] marks)
    {
        foreach (var mark in marks)
        {
            if (text.Contains(mark, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }
}
