using System.Numerics;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>The head of one GGUF file: its values and what its tensors add up to. Of the data itself nothing is read.</summary>
/// <param name="Keys">Its values; those before the fault if there is one.</param>
/// <param name="Tensors">Its tensors, the same.</param>
/// <param name="Fault">What the file does or is that makes it no model, without a subject; null: it is whole.</param>
/// <param name="IsGguf">Whether it is a GGUF file at all whose values could be read.</param>
internal sealed record GgufHeader(GgufKeys Keys, GgufTensors Tensors, string? Fault, bool IsGguf)
{
    private const uint Magic = 0x46554747; // "GGUF"
    private const ulong MostKeys = 1 << 16;
    private const ulong MostTensors = 1 << 18;

    /// <summary>The bytes of the file after its head: what its tensors take where the format of one is not known.</summary>
    public long DataBytes { get; private init; }

    /// <summary>Reads the head of a file, front to back.</summary>
    /// <param name="stream">Its bytes from the first on; can seek.</param>
    /// <param name="length">How many it has.</param>
    public static GgufHeader Read(Stream stream, long length)
    {
        using var reader = new GgufReader(stream, length);
        if (length < sizeof(uint) || reader.UInt32() != Magic)
        {
            return Not(reader.Fault ?? "is no GGUF file");
        }

        var version = reader.UInt32();
        if (version is not (2 or 3))
        {
            return Not(reader.Fault ?? version switch
            {
                1 => "is a GGUF file of version 1, which engines no longer read",
                _ when (version & 0xFFFF) == 0 && version != 0 => "is a big-endian GGUF file, which engines read only on big-endian machines",
                _ => $"is a GGUF file of the unknown version {version}",
            });
        }

        var tensorCount = reader.UInt64();
        var keyCount = reader.UInt64();
        if (tensorCount > MostTensors || keyCount > MostKeys)
        {
            reader.Refuse($"claims {tensorCount} tensors and {keyCount} values, more than any model has");
        }

        var keys = GgufKeys.Read(reader, keyCount);
        var isGguf = reader.Fault is null;
        var alignment = keys.Number("general.alignment") ?? 32;
        if (alignment is <= 0 or > (1 << 20) || !BitOperations.IsPow2(alignment))
        {
            reader.Refuse($"aligns its data to {alignment} bytes, which engines do not read");
        }

        var tensors = GgufTensors.Read(reader, tensorCount);
        var start = reader.Fault is null ? (reader.Position + alignment - 1) / alignment * alignment : length;
        if (reader.Fault is null && tensors.Count > 0)
        {
            if (start + tensors.End > length)
            {
                reader.Refuse($"is truncated: its tensors end at byte {start + tensors.End}, and it has {length}");
            }
            else if (tensors.Bytes > length - start)
            {
                reader.Refuse("has tensors that lie over each other");
            }
        }

        return new GgufHeader(keys, tensors, reader.Fault, isGguf) { DataBytes = Math.Max(0, length - start) };
    }

    private static GgufHeader Not(string fault) => new(new GgufKeys(), new GgufTensors(), fault, IsGguf: false);
}
