using System.Text;
using System.Text.Json.Nodes;
using MlxGateway.Inference;
using Xunit;

namespace MlxGateway.Tests.Inference;

/// <summary>Events in, the one body out.</summary>
public sealed class StreamAssemblerTests
{
    public static TheoryData<string, string[], string> Answers => new()
    {
        {
            "chat",
            [
                """{"id":"c-1","object":"chat.completion.chunk","created":7,"model":"m","system_fingerprint":"f","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}""",
                """{"id":"c-1","object":"chat.completion.chunk","created":8,"model":"m","system_fingerprint":"f","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}""",
                """{"id":"c-1","object":"chat.completion.chunk","created":9,"model":"m","system_fingerprint":"f","choices":[{"index":0,"delta":{"content":" you"},"finish_reason":"stop"}]}""",
            ],
            """{"id":"c-1","object":"chat.completion","created":7,"model":"m","system_fingerprint":"f","choices":[{"index":0,"message":{"role":"assistant","content":"Hello you"},"finish_reason":"stop"}]}"""
        },
        {
            "usage in an event without choices, of the wrong object",
            [
                """{"id":"c-1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"x"},"finish_reason":"length"}],"usage":null}""",
                """{"id":"c-1","object":"chat.completion","created":7,"model":"m","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4},"timings":{"predicted_n":1,"predicted_ms":1.50}}""",
            ],
            """{"id":"c-1","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4},"timings":{"predicted_n":1,"predicted_ms":1.50}}"""
        },
        {
            "whole tool calls",
            [
                """{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}""",
                """{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\": 1}"}},{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}""",
            ],
            """{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\": 1}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"""
        },
        {
            "tool calls in pieces that alternate, the second begun first",
            [
                """{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":"I look."}}]}""",
                """{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}}]}}]}""",
                """{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"city\""}}]}}]}""",
                """{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{}"}},{"index":0,"function":{"name":"f","arguments":": \"Paris\"}"}}]}}]}""",
                """{"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""",
            ],
            """{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"I look.","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"city\": \"Paris\"}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"""
        },
        {
            "tool calls without an index",
            [
                """{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":{"x":"é"} } }]}}]}""",
                """{"choices":[{"delta":{"tool_calls":[{"id":"b","function":{"name":"g","arguments":"{"}}]}}]}""",
                """{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"}"}}]},"finish_reason":"tool_calls"}]}""",
            ],
            """{"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":\"é\"}"}},{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}"""
        },
        {
            "reasoning under both names, and nothing said after it",
            [
                """{"choices":[{"index":0,"delta":{"role":"assistant","reasoning":"let","reasoning_content":"let","content":null}}]}""",
                """{"choices":[{"index":0,"delta":{"role":"assistant","reasoning":" me","reasoning_content":" me","content":null}}]}""",
                """{"choices":[{"index":0,"delta":{"role":"assistant","reasoning":null,"reasoning_content":null,"content":null},"finish_reason":"length"}]}""",
            ],
            """{"choices":[{"index":0,"message":{"role":"assistant","content":"","reasoning":"let me","reasoning_content":"let me"},"finish_reason":"length"}]}"""
        },
        {
            "two choices that alternate",
            [
                """{"choices":[{"index":1,"delta":{"role":"assistant","content":"B"}}]}""",
                """{"choices":[{"index":0,"delta":{"role":"assistant","content":"A"}}]}""",
                """{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"},{"index":1,"delta":{"content":"b"},"finish_reason":"length"}]}""",
            ],
            """{"choices":[{"index":0,"message":{"role":"assistant","content":"Aa"},"finish_reason":"stop"},{"index":1,"message":{"role":"assistant","content":"Bb"},"finish_reason":"length"}]}"""
        },
        {
            "text",
            [
                """{"id":"t","object":"text_completion","choices":[{"index":0,"text":"Once","finish_reason":null,"logprobs":{"tokens":["Once"],"token_logprobs":[-0.5]}}]}""",
                """{"id":"t","object":"text_completion","choices":[{"index":0,"text":" upon","finish_reason":"length","logprobs":{"tokens":[" upon"],"token_logprobs":[null]}}]}""",
            ],
            """{"id":"t","object":"text_completion","choices":[{"index":0,"text":"Once upon","finish_reason":"length","logprobs":{"tokens":["Once"," upon"],"token_logprobs":[-0.5,null]}}]}"""
        },
        {
            "letters of all kinds and escapes",
            [
                """{"choices":[{"index":0,"delta":{"role":"assistant","content":"é𝄞"}}]}""",
                """{"choices":[{"index":0,"delta":{"content":"\u00e9\ud834\udd1e\n\"<"},"finish_reason":"stop"}]}""",
            ],
            """{"choices":[{"index":0,"message":{"role":"assistant","content":"é\uD834\uDD1Eé\uD834\uDD1E\n\"<"},"finish_reason":"stop"}]}"""
        },
        {
            "logprobs of a chat and what nobody knows",
            [
                """{"x":1,"choices":[{"index":0,"delta":{"role":"assistant","content":"a","audio":{"id":1}},"logprobs":{"content":[{"token":"a","logprob":-0.25}]},"y":1}]}""",
                """{"x":2,"choices":[{"index":0,"delta":{"content":"b","audio":{"id":2}},"logprobs":{"content":[{"token":"b","logprob":-1}]},"finish_reason":"stop","y":2}]}""",
            ],
            """{"x":2,"choices":[{"index":0,"message":{"role":"assistant","content":"ab","audio":{"id":2}},"logprobs":{"content":[{"token":"a","logprob":-0.25},{"token":"b","logprob":-1}]},"y":2,"finish_reason":"stop"}]}"""
        },
    };

    [Theory]
    [MemberData(nameof(Answers))]
    public void Complete_Stream_IsTheBodyOfAnAnswerThatWasNotStreamed(string what, string[] data, string body)
    {
        Assert.NotEmpty(what);
        Assert.Equal(body, Assemble(string.Concat(data.Select(d => $"data: {d}\n\n")) + "data: [DONE]\n\n"));
        Assert.Equal(body, Assemble([.. data.Select(d => $": keepalive 1/2\r\n\r\nevent: message\r\ndata:{d}\r\n\r\n")])); // each by itself, and a finish reason is enough
    }

    [Fact]
    public void Complete_ToolCallWithoutAnId_GetsOne()
    {
        var call = JsonNode.Parse(Assemble("""data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f"}}]},"finish_reason":"tool_calls"}]}""" + "\n\n")!)!["choices"]![0]!["message"]!["tool_calls"]![0]!;

        Assert.Matches("^call_[0-9a-f]{32}$", call["id"]!.GetValue<string>());
        Assert.Equal(("function", ""), (call["type"]!.GetValue<string>(), call["function"]!["arguments"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("data: [DONE]\n\n")]
    [InlineData("data: {\"choices\":[]}\n\ndata: [DONE]\n\n")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":null}]}\n\n")]
    [InlineData("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"},{\"index\":1,\"delta\":{}}]}\n\n")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"error\":\"no memory\"}\n\ndata: [DONE]\n\n")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"cho\n\ndata: [DONE]\n\n")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"content\":\"\\ud800\"},\"finish_reason\":\"stop\"}]}\n\n")]
    [InlineData("data: {\"choices\":[{\"delta\":{\"content\":\"x\",\"content\":\"y\"},\"finish_reason\":\"stop\"}]}\n\n")]
    [InlineData("data: {\"x\":\"\\ud800\",\"choices\":[{\"delta\":{\"y\":\"\\ud800\"},\"finish_reason\":\"stop\"}]}\n\n")]
    [InlineData("data: [1]\n\ndata: [DONE]\n\n")]
    [InlineData("data: {\"choices\":7,\"object\":{}}\n\ndata: [DONE]\n\n")]
    public void Complete_StreamThatDidNotEndWell_IsNothing(string events) => Assert.Null(Assemble(events));

    private static string? Assemble(params string[] events)
    {
        var assembler = new StreamAssembler();
        foreach (var one in events)
        {
            assembler.Add(Encoding.UTF8.GetBytes(one));
        }

        return assembler.TryComplete(out var body) ? Encoding.UTF8.GetString(body.Span) : null;
    }
}
