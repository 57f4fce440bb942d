using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using MlxGateway.Supervision.Models.Facts;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models.Facts;

/// <summary>
/// Whatever bytes come, reading them throws nothing, takes little memory and ends soon. Some 60,000 inputs in every run; <c>MLXGATEWAY_TESTS_FUZZ=N</c> makes it N thousand, from another seed.
/// </summary>
public sealed class GgufFuzzTests
{
    private const long MostBytes = 1 << 20; // the inputs have at most 4 KB
    private static readonly int? Thousands = int.TryParse(Environment.GetEnvironmentVariable("MLXGATEWAY_TESTS_FUZZ"), CultureInfo.InvariantCulture, out var n) ? n : null;
    private static readonly int Inputs = (Thousands ?? 60) * 1000;
    private static readonly ulong[] Numbers = [0, 1, 2, 7, 8, 9, 31, 32, 255, 256, 1 << 16, 1 << 18, (1 << 18) + 1, 1 << 24, int.MaxValue, uint.MaxValue, 1UL << 45, 1UL << 60, 1UL << 63, ulong.MaxValue];

    [Fact]
    public void Files_Mutated_AreReadOrRefused()
    {
        var random = new Random(Thousands ?? 20_261_120);
        byte[][] seeds = [.. Seeds().Select(writer => writer.Build())];
        Assert.All(seeds, seed => Assert.Null(Read(seed).Fault));
        var (whole, broken, worst) = (0, 0, 0L);
        var slowest = TimeSpan.Zero;
        for (var i = 0; i < Inputs; i++)
        {
            var bytes = Mutate(seeds, random);
            var before = GC.GetAllocatedBytesForCurrentThread();
            var started = Stopwatch.GetTimestamp();
            FileFacts read;
            try
            {
                read = Read(bytes);

                // Whoever counts with the figures must not be thrown at either.
                _ = read.Facts?.Cache is { } cache ? checked(cache.Values(int.MaxValue) + cache.ValuesPerToken + cache.LastingValuesPerToken + cache.State.Bytes) : 0;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"Input {i}: {Convert.ToBase64String(bytes)}", e);
            }

            var time = Stopwatch.GetElapsedTime(started);
            slowest = time > slowest ? time : slowest;
            worst = Math.Max(worst, GC.GetAllocatedBytesForCurrentThread() - before);
            whole += read.Fault is null ? 1 : 0;
            broken += read.Fault is null ? 0 : 1;
            Assert.True(read.Fault is not null || read.Facts is { TensorBytes: not null, Parameters: not null, Architecture: not null }, "of a whole file that much is known");
        }

        Assert.InRange(worst, 0, MostBytes);
        Assert.InRange(slowest, TimeSpan.Zero, TimeSpan.FromSeconds(5)); // a busy machine may stop any thread for a while
        Assert.True(whole > Inputs / 20 && broken > Inputs / 20, $"{whole} whole, {broken} broken: the mutations try too little");
        TestContext.Current.SendDiagnosticMessage($"{Inputs} inputs: {whole} whole, {broken} broken; at most {worst} bytes and {slowest.TotalMilliseconds:0.0} ms for one");
    }

    private static FileFacts Read(byte[] bytes) => GgufFacts.Read(new MemoryStream(bytes), bytes.Length, "x");

    private static byte[] Mutate(byte[][] seeds, Random random)
    {
        var bytes = (byte[])seeds[random.Next(seeds.Length)].Clone();
        for (var changes = random.Next(1, 5); changes > 0; changes--)
        {
            var at = random.Next(bytes.Length);
            switch (random.Next(8))
            {
                case 0: bytes[at] = (byte)random.Next(256); break;
                case 1: bytes[at] ^= (byte)(1 << random.Next(8)); break;
                case 2 when at + 8 <= bytes.Length: BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), Numbers[random.Next(Numbers.Length)]); break;
                case 3 when at + 4 <= bytes.Length: BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), (uint)Numbers[random.Next(Numbers.Length)]); break;
                case 4: // one of the counts at the front
                    BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(random.Next(2) == 0 ? 8 : 16), random.Next(3) == 0 ? Numbers[random.Next(Numbers.Length)] : (ulong)random.Next(60));
                    break;
                case 5 when random.Next(3) == 0: // an end
                    bytes = bytes[..Math.Max(24, at)];
                    break;
                case 6: // something again, or left out
                    var length = random.Next(Math.Min(64, bytes.Length - at));
                    bytes = random.Next(2) == 0 && bytes.Length < 4000 ? [.. bytes[..(at + length)], .. bytes[at..]] : [.. bytes[..at], .. bytes[(at + length)..]];
                    bytes = bytes.Length < 24 ? [.. bytes, .. new byte[24]] : bytes;
                    break;
                default: // a piece of another
                    var other = seeds[random.Next(seeds.Length)];
                    var from = random.Next(other.Length);
                    other.AsSpan(from, Math.Min(random.Next(64), Math.Min(other.Length - from, bytes.Length - at))).CopyTo(bytes.AsSpan(at));
                    break;
            }
        }

        return bytes;
    }

    private static IEnumerable<GgufWriter> Seeds()
    {
        yield return new GgufWriter()
            .With("general.architecture", "llama").With("general.type", "model").With("general.alignment", 64u).With("general.size_label", "8x7B")
            .With("llama.block_count", 4u).With("llama.embedding_length", 64u).With("llama.attention.head_count", 4u).With("llama.attention.head_count_kv", new[] { 2, 2, 0, 1 })
            .With("tokenizer.ggml.tokens", new[] { "a", "bb", "ccc" }).With("tokenizer.ggml.scores", new[] { 1f, 2f }).With("tokenizer.chat_template", "{% if tools %}{# x #}{{ 'a' }}{% endif %}")
            .Tensor("token_embd.weight", GgufWriter.F32, 8, 4).Tensor("blk.0.attn_q.weight", GgufWriter.Q4K, 256, 2);
        yield return new GgufWriter()
            .With("general.architecture", "gemma4").With("gemma4.block_count", 6ul).With("gemma4.attention.head_count", 2u).With("gemma4.attention.key_length", 8u).With("gemma4.attention.value_length", 8u)
            .With("gemma4.attention.sliding_window", 4u).With("gemma4.attention.sliding_window_pattern", new[] { true, false }).With("gemma4.attention.shared_kv_layers", 1u)
            .Tensor("a", 30, 4);
        yield return new GgufWriter()
            .With("general.architecture", "nemotron_h").With("nemotron_h.block_count", 3u).With("nemotron_h.attention.head_count_kv", new[] { 0, 1, 0 }).With("nemotron_h.embedding_length", 8u)
            .With("nemotron_h.attention.head_count", 1u).With("nemotron_h.ssm.conv_kernel", 4u).With("nemotron_h.ssm.state_size", 4u).With("nemotron_h.ssm.inner_size", 4u).With("nemotron_h.ssm.group_count", 1u)
            .Tensor("a", 1, 4, 4, 2, 2);
        yield return new GgufWriter { Version = 2 }
            .With("general.architecture", "kimi-linear").With("kimi-linear.block_count", 2u).With("kimi-linear.attention.head_count", 4u).With("kimi-linear.kda.head_dim", 8u)
            .With("kimi-linear.attention.head_count_kv", new[] { 0, 1 }).With("kimi-linear.attention.key_length", 8u).With("kimi-linear.attention.value_length", 8u).With("kimi-linear.ssm.conv_kernel", 4u)
            .Tensor("a", 39, 32);
    }
}
