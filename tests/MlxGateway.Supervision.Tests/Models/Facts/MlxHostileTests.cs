using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models.Facts;

/// <summary>Files that want to crash, stall or fill the gateway.</summary>
public sealed class MlxHostileTests : IDisposable
{
    private static readonly string[] Roles = ["config.json", "tokenizer_config.json", "chat_template.jinja", "chat_template.json", "model.safetensors.index.json", "model.safetensors", "tokenizer.json"];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact(Timeout = 120_000)]
    public async Task Read_WhatIsNoFile_NeitherThrowsNorBlocks()
    {
        foreach (var role in Roles)
        {
            Directory.CreateDirectory(_folder.In($"pipe-{role}"));
            Assert.Equal(0, MakePipe(_folder.In($"pipe-{role}/{role}"), 0x1B6));
            Directory.CreateDirectory(_folder.In($"loop-{role}"));
            File.CreateSymbolicLink(_folder.In($"loop-{role}/{role}"), role);
            Directory.CreateDirectory(_folder.In($"device-{role}"));
            File.CreateSymbolicLink(_folder.In($"device-{role}/{role}"), "/dev/zero");
            Directory.CreateDirectory(_folder.In($"folder-{role}/{role}"));
        }

        Directory.CreateDirectory(_folder.In("self"));
        Directory.CreateSymbolicLink(_folder.In("self/additional_chat_templates"), _folder.In("self"));
        var folders = Directory.GetDirectories(_folder.Path).Append("a\0b").ToList();

        var read = await Task.Run(() => folders.ConvertAll(MlxFacts.Read), TestContext.Current.CancellationToken);

        Assert.All(read, facts => Assert.NotNull(facts.Fault));
    }

    [Fact(Timeout = 120_000)]
    public async Task Read_HugeFiles_AreNotReadWhole()
    {
        foreach (var role in Roles)
        {
            using var file = File.OpenWrite(_folder.Write($"m/{role}", 0));
            file.SetLength(2L << 30);
        }

        var before = GC.GetTotalAllocatedBytes(precise: true);
        var read = await Task.Run(() => MlxFacts.Read(_folder.In("m")), TestContext.Current.CancellationToken);

        Assert.Equal("config.json has 2.00 GB, which is no configuration", read.Fault);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 64 << 20);
    }

    [Theory]
    [InlineData(1UL << 60)]
    [InlineData(ulong.MaxValue)]
    [InlineData(100_000_001UL)]
    [InlineData(1UL)]
    [InlineData(0UL)]
    public void Header_LengthThatNobodyHas_IsAFaultAtOnce(ulong length)
    {
        var bytes = new byte[100];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);

        Assert.Equal("the file x is no safetensors file: its first bytes give no length of a header", Header(bytes, 1L << 62));
    }

    [Fact]
    public void Header_LargeToken_IsReadUpToALimit()
    {
        Assert.Null(Header(SafetensorsFile.WithHeader($$$"""{"__metadata__":{"x":"{{{new string('x', 1 << 20)}}}"}}""")));
        Assert.Null(Header(SafetensorsFile.WithHeader("""{"__metadata__":null}""")));
        Assert.NotNull(Header(SafetensorsFile.WithHeader("""{"a":null}""")));
        Assert.NotNull(Header(SafetensorsFile.WithHeader($$$"""{"__metadata__":{"x":"{{{new string('x', 40 << 20)}}}"}}""")));
    }

    [Fact]
    public void Header_ManyTensors_AreAllAddedUpThroughASmallBuffer()
    {
        var header = new StringBuilder("{");
        const int Count = 20_000;
        for (var i = 0; i < Count; i++)
        {
            header.Append(System.Globalization.CultureInfo.InvariantCulture, $$"""{{(i > 0 ? "," : "")}}"model.layers.{{i}}.mlp.weight":{"dtype":"BF16","shape":[2,3],"data_offsets":[{{i * 12L}},{{(i + 1) * 12L}}]}""");
        }

        var bytes = SafetensorsFile.WithHeader(header.Append("}   ").ToString());
        var tally = new TensorTally(MlxQuantisation.Of(null));
        using var stream = new MemoryStream(bytes);
        var before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Null(SafetensorsHeader.Read(stream, bytes.Length + (Count * 12L), "x", tally));

        Assert.Equal((Count * 6L, Count * 12L, "bf16"), (tally.Parameters, tally.Bytes, tally.MainType));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void Header_ShapesThatOverflow_StayAtTheLargest()
    {
        var tally = new TensorTally(MlxQuantisation.Of(null));
        var bytes = SafetensorsFile.WithHeader("""{"a":{"dtype":"F32","shape":[9223372036854775807,9223372036854775807],"data_offsets":[0,9223372036854775807]},"b":{"dtype":"F32","shape":[9],"data_offsets":[0,9223372036854775807]}}""");
        using var stream = new MemoryStream(bytes);

        Assert.StartsWith("the file x is truncated", SafetensorsHeader.Read(stream, bytes.Length, "x", tally), StringComparison.Ordinal);
        Assert.Equal((long.MaxValue, long.MaxValue), (tally.Parameters, tally.Bytes));
    }

    [Theory]
    [InlineData("deep")]
    [InlineData("arrays")]
    [InlineData("keys")]
    [InlineData("list")]
    [InlineData("delta")]
    [InlineData("blocks")]
    public void Config_MadeToKeepUsBusy_IsReadInNoTime(string kind)
    {
        const string Layers = "\"num_hidden_layers\":2000,\"hidden_size\":64,\"num_attention_heads\":4";
        var text = kind switch
        {
            "deep" => string.Concat(Enumerable.Repeat("""{"text_config":""", 100_000)) + "1" + new string('}', 100_000),
            "arrays" => new string('[', 1_000_000),
            "keys" => $$"""{"model_type":"gemma3_text",{{Layers}},{{string.Join(',', Enumerable.Range(0, 500_000).Select(i => $"\"k{i}\":{i}"))}}}""",
            "list" => $$"""{"model_type":"llama",{{Layers}},"layer_types":[{{string.Join(',', Enumerable.Repeat("\"sliding_attention\"", 300_000))}}]}""",
            "delta" => $$$"""{"model_type":"kimi_linear",{{{Layers}}},"linear_attn_config":{"kda_layers":[{{{string.Join(',', Enumerable.Repeat("7", 2_000_000))}}}]}}""",
            _ => $$$"""{"model_type":"nemotron-nas",{{{Layers}}},"block_configs":[{{{string.Join(',', Enumerable.Repeat("""{"attention":{"n_heads_in_group":1}}""", 200_000))}}}]}""",
        };
        var clock = Stopwatch.StartNew();
        using var keys = ConfigKeys.Parse(Encoding.UTF8.GetBytes(text));
        _ = keys is null ? null : MlxFacts.Of(keys, ModelUse.Chat, TokenizerConfig.Empty, [], new TensorTally(MlxQuantisation.Of(keys)), _ => false);

        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(15));
    }

    private static string? Header(byte[] bytes, long? length = null)
    {
        using var stream = new MemoryStream(bytes);
        return SafetensorsHeader.Read(stream, length ?? bytes.Length, "x", new TensorTally(MlxQuantisation.Of(null)));
    }

    [DllImport("libc", EntryPoint = "mkfifo")]
    private static extern int MakePipe([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint mode);
}
