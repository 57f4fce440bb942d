#pragma warning disable CA1416 // There is no Windows here.
using System.Runtime.CompilerServices;
using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>The promises, over a Python module that behaves as <c>mlc_llm</c> is known to: the real one cannot be installed where the tests run.</summary>
public sealed class MlcLlmTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlxgateway-mlc-");

    private string Record => Path.Combine(_folder.FullName, "record.jsonl");

    [Fact]
    public async Task Model_FromTheColdStartToTheUnload_IsServedAndLeavesNobody()
    {
        var model = WriteModel("tiny-q4f16_1-MLC");
        await using var gateway = await Gateway.StartAsync(
            $$"""
            "tiny": {
              "Source":"{{model}}", "Aliases":["gpt-4o-mini"], "WorkingDirectory":"{{_folder.FullName}}", "Env":{"STAND_IN_RECORD":"{{Record}}","STAND_IN_OWN":"yes"},
              "Mlc":{"Mode":"interactive","MaxNumSequence":2,"GpuMemoryUtilization":0.5,"PrefixCacheMaxNumRecyclingSeqs":-1}
            }
            """,
            $$"""
            "Engines":{"mlx_lm":{"Python":"/nowhere/python3"},"mlx_vlm":{"Python":"/nowhere/python3"},"mlc_llm":{"Python":"{{Python()}}"},"llama_server":{"Executable":"/nowhere/llama-server"} },
            "Memory":{"Reserve":"0GB"}
            """);

        var answer = await gateway.ChatAsync("gpt-4o-mini", "\"user\":\"anna\",\"debug_config\":{},\"seed\":null,\"stream_options\":null");
        Assert.Equal((200, "Hello from MLC.", "gpt-4o-mini"), (answer.Status, answer.Content, answer.Json.GetProperty("model").GetString()));
        var launch = Lines()[0];
        var running = Assert.Single(await gateway.RunningAsync());
        Assert.Equal(
            ["serve", model, "--device", "auto", "--mode", "interactive", "--overrides", "max_num_sequence=2;gpu_memory_utilization=0.5;prefix_cache_max_num_recycling_seqs=-1", "--host", "127.0.0.1", "--port", $"{running.Port}", "--allow-origins", "[\"none\"]"],
            launch.GetProperty("argv").EnumerateArray().Select(a => a.GetString()));
        Assert.Equal(("READONLY", "yes", _folder.FullName), (launch.GetProperty("policy").GetString(), launch.GetProperty("own").GetString(), launch.GetProperty("folder").GetString()));
        Assert.Equal(["messages", "model"], Lines()[^1].GetProperty("body").EnumerateObject().Select(m => m.Name).Order(StringComparer.Ordinal));

        // A stream, with its end and the counts that nobody asked for left out.
        var stream = await gateway.ChatAsync("tiny", "\"stream\":true");
        Assert.Equal("Hello from MLC.", string.Concat(stream.Text.Split('\n').Where(l => l.StartsWith("data: {", StringComparison.Ordinal)).Select(l => JsonDocument.Parse(l[6..]).RootElement.GetProperty("choices"))
            .SelectMany(c => c.EnumerateArray()).Select(c => c.GetProperty("delta").TryGetProperty("content", out var text) ? text.GetString() : "")));
        Assert.EndsWith("data: [DONE]\n\n", stream.Text, StringComparison.Ordinal);

        // Its errors are JSON in a text of JSON.
        var refused = await gateway.ChatAsync("tiny", "\"best_of\":2");
        Assert.Equal((400, "invalid_request", "Request fields \"best_of\" are not supported right now."), (refused.Status, refused.Code, refused.Message));
        var tooLong = await gateway.PostAsync("/v1/completions", """{"model":"tiny","prompt":"a book"}""");
        Assert.Equal((400, "context_length_exceeded"), (tooLong.Status, tooLong.Code));
        Assert.Contains("maximum context length is 8192 tokens", tooLong.Message, StringComparison.Ordinal);

        // It refuses a conversation in which a call was made; the gateway writes the call out.
        var called = await gateway.PostAsync("/v1/chat/completions", """
            {"model":"tiny","tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"tool_choice":"required","messages":[{"role":"user","content":"go"},
            {"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"42"}]}
            """);
        Assert.Equal(200, called.Status);
        Assert.Equal(404, (await gateway.PostAsync("/v1/responses", """{"model":"tiny","input":"x"}""")).Status);

        var workers = launch.GetProperty("workers").EnumerateArray().Select(p => p.GetInt32()).ToList();
        Assert.All(workers, pid => Assert.True(Gateway.IsAlive(pid)));
        Assert.Equal(200, (await gateway.PostAsync("/api/models/unload/tiny", "")).Status);
        Assert.All(workers.Append(running.Pid!.Value), pid => Assert.False(Gateway.IsAlive(pid), $"Process {pid} is still there."));
    }

    [Fact]
    public async Task WithoutTheEngine_ModelsAreListedAndTheRefusalSaysHowToInstallIt()
    {
        WriteModel("found/tiny-q4f16_1-MLC");
        await using var gateway = await Gateway.StartAsync("", "\"Memory\":{\"Reserve\":\"0GB\"}", "--MlxGateway:Discovery:Folders:0", Path.Combine(_folder.FullName, "found"));

        var listed = (await gateway.GetAsync("/v1/models/tiny-q4f16_1-MLC")).Json;
        Assert.Equal(8192, listed.GetProperty("context_window").GetInt32());
        Assert.Contains("\"mlc_llm\"", listed.GetRawText(), StringComparison.Ordinal);
        var refused = await gateway.ChatAsync("tiny-q4f16_1-MLC");
        Assert.Equal((503, "model_launch_failed"), (refused.Status, refused.Code));
        Assert.Matches(@"No usable Python with mlc_llm was found \(/nowhere/python3: does not exist\)\. Install it with: .*https://mlc\.ai/wheels.*mlc-llm-nightly", refused.Message);
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);

    private static string StandIn([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "StandIn");

    // A real Python that has the stand-in among its modules.
    private string Python()
    {
        var real = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(p => Path.Combine(p, "python3")).FirstOrDefault(File.Exists);
        Assert.SkipWhen(real is null, "There is no python3 here.");
        var path = Path.Combine(_folder.FullName, "python3");
        Scripts.Write(path, $"#!/bin/sh\nPYTHONDONTWRITEBYTECODE=1 PYTHONPATH='{StandIn()}' exec '{real}' -s \"$@\"\n");
        return path;
    }

    private string WriteModel(string name)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder.FullName, name)).FullName;
        File.WriteAllText(Path.Combine(folder, "mlc-chat-config.json"), """
            {"model_type":"qwen2","quantization":"q4f16_1","context_window_size":8192,"prefill_chunk_size":512,"conv_template":{"name":"chatml"},"tokenizer_files":["tokenizer.json"],
             "model_config":{"hidden_size":64,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":16,"vocab_size":1000,"context_window_size":8192,"prefill_chunk_size":512,"max_batch_size":16}}
            """);
        File.WriteAllText(Path.Combine(folder, "tensor-cache.json"), """{"metadata":{"BitsPerParam":4.5},"records":[{"dataPath":"params_shard_0.bin","format":"raw-shard","nbytes":4096,"records":[]}]}""");
        File.WriteAllBytes(Path.Combine(folder, "params_shard_0.bin"), new byte[4096]);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), "{}");
        return folder;
    }

    private List<JsonElement> Lines() => [.. File.ReadAllLines(Record).Select(l => JsonDocument.Parse(l).RootElement)];
}
