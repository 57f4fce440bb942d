using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>Conversations that fit, on the demonstration runner and on real engines.</summary>
public sealed class ContextWindowTests : IDisposable
{
    private readonly DirectoryInfo _models = Directory.CreateTempSubdirectory("mlxgateway-models-");

    /// <inheritdoc/>
    public void Dispose() => _models.Delete(recursive: true);

    [Fact]
    public async Task Demo_TooLong_IsCompactedOrRefused()
    {
        await using var gateway = await Gateway.StartAsync(
            """
            "small":  {"Runner":"demo","Memory":"100MB","Context":1024},
            "strict": {"Runner":"demo","Memory":"100MB","Context":1024,"ContextOverflow":"refuse"},
            "free":   {"Runner":"demo","Memory":"100MB","Context":1024,"ContextOverflow":"off"}
            """,
            "\"Residency\":{\"MaxResident\":0},\"Memory\":{\"Reserve\":\"0GB\"}");

        var compacted = await gateway.PostAsync("/v1/chat/completions", Chat("small", 40));
        Assert.Equal(200, compacted.Status);
        Assert.Matches(@"^compacted; from=\d+; to=\d+$", compacted.Header("X-MlxGateway-Context")!);

        var refused = await gateway.PostAsync("/v1/chat/completions", Chat("strict", 40));
        Assert.Equal((400, "context_length_exceeded"), (refused.Status, refused.Code));
        Assert.Contains("maximum context length is 1024 tokens", refused.Message, StringComparison.Ordinal);

        var passed = await gateway.PostAsync("/v1/chat/completions", Chat("free", 40));
        Assert.Equal(200, passed.Status);
        Assert.Null(passed.Header("X-MlxGateway-Context"));
    }

    [Fact]
    public async Task LlamaServer_LongConversation_IsCompactedTwiceAndAnsweredWhole()
    {
        Assert.SkipUnless(TinyModels.CanServeGguf, "Needs llama-server and the generator of tiny models.");
        var model = Path.Combine(_models.FullName, "tiny-a.gguf");
        await TinyModels.WriteAsync(model, "--context", "4096");
        await using var gateway = await Gateway.StartAsync(
            $$"""
            "tiny-a": {"Source":"{{model}}"},
            "strict": {"Source":"{{model}}","ContextOverflow":"refuse"}
            """,
            $$"""
            "Engines":{"llama_server":{"Executable":"{{TinyModels.LlamaServer}}"},{{Gateway.NoPythons}}}
            """);

        var compactions = new List<(long From, long To)>();
        for (var turns = 20; turns <= 100; turns += 10)
        {
            var answer = await gateway.PostAsync("/v1/chat/completions", Chat("tiny-a", turns + 1));
            Assert.Equal(200, answer.Status);
            Assert.Equal("Hello from tiny-a .", answer.Content);
            if (answer.Header("X-MlxGateway-Context") is { } said)
            {
                var numbers = Regex.Match(said, @"^compacted; from=(\d+); to=(\d+)$");
                var (from, to) = (long.Parse(numbers.Groups[1].Value, CultureInfo.InvariantCulture), long.Parse(numbers.Groups[2].Value, CultureInfo.InvariantCulture));
                compactions.Add((from, to));

                // What was counted is what the engine read.
                Assert.Equal(to, answer.Json.GetProperty("usage").GetProperty("prompt_tokens").GetInt64());
                Assert.True(from > 4096 - 512 && to < 4096);
            }
        }

        // Behind one summary a conversation grows; a smaller one than before is another summary.
        Assert.True(compactions.Zip(compactions.Skip(1)).Any(pair => pair.Second.To < pair.First.To), string.Join(' ', compactions));

        var refused = await gateway.PostAsync("/v1/chat/completions", Chat("strict", 101));
        Assert.Equal((400, "context_length_exceeded"), (refused.Status, refused.Code));
        Assert.Contains($"maximum context length is 4096 tokens. However, your request has {compactions[^1].From} tokens (counted by the engine)", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LlamaServer_LongMessages_AreCompactedAndAnsweredWhole()
    {
        Assert.SkipUnless(TinyModels.CanServeGguf, "Needs llama-server and the generator of tiny models.");
        var model = Path.Combine(_models.FullName, "tiny-c.gguf");
        await TinyModels.WriteAsync(model, "--context", "2048");
        await using var gateway = await Gateway.StartAsync(
            $$"""
            "tiny-c": {"Source":"{{model}}"}
            """,
            $$"""
            "Engines":{"llama_server":{"Executable":"{{TinyModels.LlamaServer}}"},{{Gateway.NoPythons}}}
            """);

        var answer = await gateway.PostAsync("/v1/messages", Chat("tiny-c", 61).Insert(1, "\"max_tokens\":50,\"system\":\"Be kind.\","));

        Assert.True(answer.Status == 200, answer.Text);
        var numbers = Regex.Match(answer.Header("X-MlxGateway-Context") ?? "", @"^compacted; from=(\d+); to=(\d+)$");
        Assert.True(numbers.Success);
        Assert.True(long.Parse(numbers.Groups[1].Value, CultureInfo.InvariantCulture) > 2048);
        Assert.Equal(numbers.Groups[2].Value, answer.Json.GetProperty("usage").GetProperty("input_tokens").GetRawText());
        Assert.Equal("Hello from tiny-c .", answer.Json.GetProperty("content")[0].GetProperty("text").GetString()!.Trim());
    }

    [Fact]
    public async Task LlamaServer_LongResponses_AreCompactedAndAnsweredWhole()
    {
        Assert.SkipUnless(TinyModels.CanServeGguf, "Needs llama-server and the generator of tiny models.");
        var model = Path.Combine(_models.FullName, "tiny-d.gguf");
        await TinyModels.WriteAsync(model, "--context", "2048");
        await using var gateway = await Gateway.StartAsync(
            $$"""
            "tiny-d": {"Source":"{{model}}"}
            """,
            $$"""
            "Engines":{"llama_server":{"Executable":"{{TinyModels.LlamaServer}}"} }
            """);

        // In this dialect what the model said has parts of another type than what the user said.
        var body = Regex.Replace(Chat("tiny-d", 61).Replace("\"messages\"", "\"input\"", StringComparison.Ordinal), @"\{""role"":""assistant"",""content"":(""[^""]*"")\}", "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":$1}]}");
        var answer = await gateway.PostAsync("/v1/responses", body.Insert(1, "\"max_output_tokens\":50,\"instructions\":\"Be kind.\","));

        Assert.True(answer.Status == 200, answer.Text);
        var numbers = Regex.Match(answer.Header("X-MlxGateway-Context") ?? "", @"^compacted; from=(\d+); to=(\d+)$");
        Assert.True(numbers.Success);
        Assert.True(long.Parse(numbers.Groups[1].Value, CultureInfo.InvariantCulture) > 2048);
        Assert.Equal(numbers.Groups[2].Value, answer.Json.GetProperty("usage").GetProperty("input_tokens").GetRawText());
        Assert.Contains("Hello from tiny-d .", answer.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LlamaServer_LongResponsesAndMessages_AreRefusedWithTheCountOfTheEngine()
    {
        Assert.SkipUnless(TinyModels.CanServeGguf, "Needs llama-server and the generator of tiny models.");
        var model = Path.Combine(_models.FullName, "tiny-b.gguf");
        await TinyModels.WriteAsync(model, "--context", "1024");
        await using var gateway = await Gateway.StartAsync(
            $$"""
            "tiny-b": {"Source":"{{model}}","ContextOverflow":"refuse"}
            """,
            $$"""
            "Engines":{"llama_server":{"Executable":"{{TinyModels.LlamaServer}}"},{{Gateway.NoPythons}}}
            """);
        var chat = Chat("tiny-b", 41);

        foreach (var (path, counter, param, body) in new[]
        {
            ("/v1/responses", "/v1/responses/input_tokens", "input", chat.Replace("\"messages\"", "\"input\"", StringComparison.Ordinal).Replace("assistant", "user", StringComparison.Ordinal)),
            ("/v1/messages", "/v1/messages/count_tokens", "messages", chat.Insert(1, "\"max_tokens\":20,")),
        })
        {
            var counting = await gateway.PostAsync(counter, body);
            Assert.True(counting.Status == 200, counting.Text);
            var counted = counting.Json.GetProperty("input_tokens").GetInt64();
            var refused = await gateway.PostAsync(path, body);

            Assert.True(counted > 1024);
            Assert.Equal((400, "context_length_exceeded", param), (refused.Status, refused.Code, refused.Json.GetProperty("error").GetProperty("param").GetString()));
            Assert.Contains($"maximum context length is 1024 tokens. However, your request has {counted} tokens (counted by the engine).", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task MlxLm_Count_IsWhatTheEngineReads()
    {
        Assert.SkipUnless(TinyModels.CanServeMlx, "Needs mlx_lm and the generator of tiny models.");
        var model = Path.Combine(_models.FullName, "tiny-a");
        await TinyModels.WriteAsync(model, "--context", "8192");
        await using var gateway = await Gateway.StartAsync(
            $$"""
            "strict": {"Source":"{{model}}","Context":512,"ContextOverflow":"refuse","Env":{"MLX_DISABLE_COMPILE":"1"} },
            "wide":   {"Source":"{{model}}","Env":{"MLX_DISABLE_COMPILE":"1"} }
            """,
            $$"""
            "Engines":{"mlx_lm":{"Python":"{{TinyModels.MlxPython("MLXGATEWAY_TEST_MLX_PYTHON")}}"},"mlx_vlm":{"Python":"/nowhere/python3"},"mlc_llm":{"Python":"/nowhere/python3"} }
            """);

        var refused = await gateway.PostAsync("/v1/chat/completions", Chat("strict", 21));
        var read = (await gateway.PostAsync("/v1/chat/completions", Chat("wide", 21))).Json.GetProperty("usage").GetProperty("prompt_tokens").GetInt64();

        Assert.Equal((400, "context_length_exceeded"), (refused.Status, refused.Code));
        Assert.True(refused.Message.Contains($"maximum context length is 512 tokens. However, your request has {read} tokens (counted by the engine).", StringComparison.Ordinal), refused.Message);
    }

    // The user's and the model's messages in turn, the user's last.
    private static string Chat(string model, int messages) => JsonSerializer.Serialize(new
    {
        model,
        messages = Enumerable.Range(0, messages).Select(i => new { role = i % 2 == 0 ? "user" : "assistant", content = $"message number {i} of a long conversation, which goes on and on and on" }),
        temperature = 0.0,
    });
}
