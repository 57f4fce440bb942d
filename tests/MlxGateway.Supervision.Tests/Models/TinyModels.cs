using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using MlxGateway.Supervision.Tests.Models.Facts;

namespace MlxGateway.Supervision.Tests.Models;

/// <summary>The smallest files that are models.</summary>
internal static class TinyModels
{
    public const string Config =
        """{"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":4,"num_hidden_layers":1,"intermediate_size":8,"num_attention_heads":1,"num_key_value_heads":1,"vocab_size":4,"max_position_embeddings":64}""";

    public static byte[] Gguf(string architecture = "llama") => new GgufWriter().With("general.architecture", architecture).Tensor("token_embd.weight", GgufWriter.F32, 4, 4).Build();

    /// <summary>A file of weights with one tensor of 16 values of 4 bytes.</summary>
    public static byte[] Safetensors(string tensor)
    {
        var header = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, object> { [tensor] = new { dtype = "F32", shape = new[] { 4, 4 }, data_offsets = new[] { 0, 64 } } });
        var file = new byte[8 + header.Length + 64];
        BinaryPrimitives.WriteInt64LittleEndian(file, header.Length);
        header.CopyTo(file, 8);
        return file;
    }

    /// <summary>The files of a model in MLX form in two shards.</summary>
    public static IEnumerable<(string Name, byte[] Bytes)> Mlx(string config = Config)
    {
        (string Tensor, string File)[] shards = [("model.embed_tokens.weight", "model-00001-of-00002.safetensors"), ("lm_head.weight", "model-00002-of-00002.safetensors")];
        yield return ("config.json", Encoding.UTF8.GetBytes(config));
        yield return ("tokenizer.json", "{}"u8.ToArray());
        yield return ("tokenizer_config.json", "{}"u8.ToArray());
        yield return ("model.safetensors.index.json", JsonSerializer.SerializeToUtf8Bytes(new { metadata = new { total_size = 128 }, weight_map = shards.ToDictionary(shard => shard.Tensor, shard => shard.File) }));
        foreach (var (tensor, file) in shards)
        {
            yield return (file, Safetensors(tensor));
        }
    }
}
