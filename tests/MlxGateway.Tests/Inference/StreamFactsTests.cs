using System.Text;
using MlxGateway.Inference;
using Xunit;

namespace MlxGateway.Tests.Inference;

public sealed class StreamFactsTests
{
    [Theory]
    [InlineData("""{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""")]
    [InlineData("""{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}""")]
    [InlineData("""{"choices":[{"finish_reason":"length","delta":{"content":"x"}}],"usage":null}""")]
    [InlineData("""{"choices":[{"finish_reason":null},{"finish_reason":"stop"}]}""")]
    [InlineData("""{"choices":[{"finish\u005freason":"stop"}]}""")]
    [InlineData("""{"object":"text_completion","choices":[{"text":"","finish_reason":"stop"}]}""")]
    [InlineData("[DONE]")]
    public void Note_SaysThatItIsOver_IsComplete(string data)
    {
        Assert.True(Note(data).IsComplete);
        Assert.True(Note(data, "data:{0}\n\n").IsComplete);
        Assert.True(Note(data, "event: message\r\ndata: {0}\r\n\r\n").IsComplete);
        Assert.True(Note(data, ": comment\n\ndata: {0}\n\ndata: {\"choices\":[]}\n\n").IsComplete);
    }

    [Theory]
    [InlineData("""{"choices":[{"delta":{"content":"x"},"finish_reason":null}]}""")]
    [InlineData("""{"choices":[{"delta":{"content":"\"finish_reason\":\"stop\""},"finish_reason":null}]}""")]
    [InlineData("""{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{\"finish_reason\":\"stop\"}"}}]},"finish_reason":null}]}""")]
    [InlineData("""{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":{"finish_reason":"stop"}}}]}}]}""")]
    [InlineData("""{"choices":[{"delta":{"finish_reason":"stop"}}]}""")]
    [InlineData("""{"choices":[{"logprobs":{"content":[{"finish_reason":"stop"}]}}]}""")]
    [InlineData("""{"choices":[[{"finish_reason":"stop"}]]}""")]
    [InlineData("""{"choices":{"finish_reason":"stop"}}""")]
    [InlineData("""{"finish_reason":"stop","choices":[]}""")]
    [InlineData("""{"x":{"choices":[{"finish_reason":"stop"}]}}""")]
    [InlineData("""{"choices":[{"finish_reason":1}]}""")]
    [InlineData("""{"choices":["finish_reason","stop"]}""")]
    [InlineData("""[{"choices":[{"finish_reason":"stop"}]}]""")]
    [InlineData("""{"choices":[{"finish_reason":"stop""")] // the runner died in the middle of its last event
    [InlineData("""{"choices":[{"finish_reason":"stop"}]""")]
    [InlineData("""{"choices":[{"finish_reason":"stop"}],"usa""")]
    [InlineData("""{"choices":[{"finish_reason":"stop"}]}}""")]
    [InlineData("[DONE")]
    [InlineData("\"[DONE]\"")]
    [InlineData("")]
    [InlineData("garbage")]
    public void Note_SaysNothingOfAnEnd_IsNotComplete(string data) => Assert.False(Note(data).IsComplete);

    [Theory]
    [InlineData("id: [DONE]\n\n")]
    [InlineData(": data: [DONE]\n\n")]
    [InlineData("xdata: [DONE]\n\n")]
    public void Note_NotAData_IsNotComplete(string streamEvent) => Assert.False(Note("", streamEvent).IsComplete);

    [Fact]
    public void Note_Done_IsToldFromAFinishReason()
    {
        Assert.True(Note("[DONE]").IsDone);
        Assert.False(Note("""{"choices":[{"finish_reason":"stop"}]}""").IsDone);
    }

    [Theory]
    [InlineData("""{"error":"no memory"}""", "no memory")]
    [InlineData("""{"error":{"message":"no memory","code":500}}""", "no memory")]
    [InlineData("""{"error":{"detail":"no memory"}}""", "no memory")]
    [InlineData("""{"error":{"code":500}}""", "the runner gave no reason")]
    [InlineData("""{"error":{}}""", "the runner gave no reason")]
    [InlineData("""{"error":17}""", "the runner gave no reason")]
    [InlineData("""{"choices":[],"error":{"message":"late"}}""", "late")]
    [InlineData("""{"error":null,"choices":[]}""", null)]
    [InlineData("""{"choices":[{"delta":{"content":"error"},"error":"not here"}]}""", null)]
    [InlineData("""{"x":{"error":"not here"}}""", null)]
    public void Note_Error_GivesTheRunnersWords(string data, string? message)
    {
        var facts = default(StreamFacts);

        Assert.Equal(message, facts.Note(Encoding.UTF8.GetBytes($"data: {data}\n\n")));
    }

    [Theory]
    [InlineData("""{"error":{"message":"\ud800"}}""")]
    [InlineData("""{"error":"\udfff"}""")]
    [InlineData("""{"\ud800":1,"choices\udc00":[]}""")]
    [InlineData("""{"choices":[{"finish_reaso\udc00":"stop"}]}""")]
    [InlineData("""{"usage":{"prompt_token\ud800":1}}""")]
    public void Note_EscapesWithoutACharacter_AreNoFault(string data)
    {
        var facts = default(StreamFacts);
        _ = facts.Note(Encoding.UTF8.GetBytes($"data: {data}\n\n"));

        Assert.False(facts.IsComplete);
    }

    [Theory]
    [InlineData("""{"usage":{"prompt_tokens":7,"completion_tokens":9,"total_tokens":16}}""", 7, 9)]
    [InlineData("""{"choices":[],"usage":{"completion_tokens":9,"prompt_tokens":7,"prompt_tokens_details":{"prompt_tokens":1}}}""", 7, 9)]
    [InlineData("""{"timings":{"prompt_n":3,"predicted_n":4,"predicted_ms":1.5}}""", 3, 4)]
    [InlineData("""{"usage":null}""", null, null)]
    [InlineData("""{"usage":{"prompt_tokens":"7","completion_tokens":1.5}}""", null, null)]
    [InlineData("""{"usage":{"prompt_tokens":99999999999,"completion_tokens":9}}""", null, 9)]
    [InlineData("""{"usage":[7,9]}""", null, null)]
    public void Note_Counts_AreKept(string data, int? prompt, int? completion)
    {
        var facts = Note(data);

        Assert.Equal((prompt, completion), (facts.PromptTokens, facts.CompletionTokens));
    }

    [Theory]
    [InlineData("""{"type":"response.completed","response":{"status":"completed","usage":{"input_tokens":7,"output_tokens":9,"input_tokens_details":{"cached_tokens":3}}}}""", true, 7, 9, 3)]
    [InlineData("""{"type":"response.incomplete","response":{"usage":{"input_tokens":7,"output_tokens":9}}}""", true, 7, 9, null)]
    [InlineData("""{"type":"response.output_text.delta","delta":"response.completed"}""", false, null, null, null)]
    [InlineData("""{"type":"message_start","message":{"usage":{"cache_read_input_tokens":3,"cache_creation_input_tokens":2,"input_tokens":2,"output_tokens":0}}}""", false, 7, 0, 3)]
    [InlineData("""{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}""", false, null, 9, null)]
    [InlineData("""{"type":"message_stop"}""", true, null, null, null)]
    [InlineData("""{"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":9,"prompt_tokens_details":{"cached_tokens":3}}}""", false, 7, 9, 3)]
    [InlineData("""{"choices":[],"timings":{"cache_n":3,"prompt_n":4,"predicted_n":9}}""", false, 7, 9, 3)]
    [InlineData("""{"message":[1],"choices":[{"finish_reason":"stop"}],"usage":{"prompt_tokens":7}}""", true, 7, null, null)]
    public void Note_EachDialect_SaysItsEndAndItsCounts(string data, bool isComplete, int? prompt, int? completion, int? cached)
    {
        var facts = Note(data);

        Assert.Equal((isComplete, prompt, completion, cached), (facts.IsComplete, facts.PromptTokens, facts.CompletionTokens, facts.Counts.CachedTokens));
    }

    [Theory]
    [InlineData("""{"type":"response.failed","response":{"error":{"code":"server_error","message":"no memory"}}}""", "no memory")]
    [InlineData("""{"type":"error","code":"server_error","message":"no memory","param":null}""", "no memory")]
    [InlineData("""{"type":"error","error":{"type":"overloaded_error","message":"no memory"}}""", "no memory")]
    [InlineData("""{"type":"error"}""", "the runner gave no reason")]
    [InlineData("""{"type":"message_start","message":{"type":"error"}}""", null)]
    [InlineData("""{"type":"response.output_text.delta","delta":"error","message":"x"}""", null)]
    public void Note_ErrorsOfEachDialect_GiveTheRunnersWords(string data, string? message)
    {
        var facts = default(StreamFacts);

        Assert.Equal(message, facts.Note(Encoding.UTF8.GetBytes($"event: x\ndata: {data}\n\n")));
        Assert.False(facts.IsComplete);
    }

    [Theory]
    [InlineData("""{"choices":[{"finish_reason":"content_filter"}]}""", "content_filter")]
    [InlineData("""{"type":"message_delta","delta":{"stop_reason":"max_tokens"}}""", "max_tokens")]
    [InlineData("""{"choices":[{"finish_reason":"a sentence of the model\n"}]}""", "other")]
    [InlineData("""{"choices":[{"finish_reason":""}]}""", "other")]
    [InlineData("""{"choices":[{"finish_reason":null}]}""", null)]
    public void Note_Reason_IsAWordThatMayStandInALog(string data, string? reason) => Assert.Equal(reason, Note(data).FinishReason);

    [Fact]
    public void Note_Speeds_AreTheEnginesOwn()
    {
        var facts = Note("""{"timings":{"prompt_per_second":70.5,"predicted_per_second":9.25}}""");
        var nothing = Note("""{"timings":{"prompt_per_second":0,"predicted_per_second":1e999}}""");

        Assert.Equal((70.5, 9.25), (facts.Counts.PromptSpeed, facts.Counts.Speed));
        Assert.Equal((null, null), (nothing.Counts.PromptSpeed, nothing.Counts.Speed));
    }

    [Theory]
    [InlineData("""{"choices":[{"delta":{"role":"assistant","content":""}}]}""", false)]
    [InlineData("""{"choices":[{"delta":{"role":"assistant","content":null,"tool_calls":[]}}]}""", false)]
    [InlineData("""{"choices":[{"delta":{},"finish_reason":"stop"}]}""", false)]
    [InlineData("""{"choices":[{"text":""}]}""", false)]
    [InlineData("""{"choices":[{"delta":{"content":"a"}}]}""", true)]
    [InlineData("""{"choices":[{"delta":{"role":"assistant","content":"","reasoning":"a"}}]}""", true)]
    [InlineData("""{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}""", true)]
    [InlineData("""{"choices":[{"text":"a"}]}""", true)]
    [InlineData("""{"type":"response.created","response":{}}""", false)]
    [InlineData("""{"type":"response.output_text.delta","delta":"a"}""", true)]
    [InlineData("""{"type":"response.output_text.done","text":"a"}""", false)]
    [InlineData("""{"type":"message_start","message":{}}""", false)]
    [InlineData("""{"type":"content_block_delta","delta":{"text":"a"}}""", true)]
    public void Note_FirstPieceOfTheAnswer_IsToldFromCourtesy(string data, bool isAnswer) => Assert.Equal(isAnswer, Note(data).HasAnswer);

    private static StreamFacts Note(string data, string streamEvent = "data: {0}\n\n")
    {
        var facts = default(StreamFacts);
        facts.Note(Encoding.UTF8.GetBytes(streamEvent.Replace("{0}", data, StringComparison.Ordinal)));
        return facts;
    }
}
