using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>Reads the header of a safetensors file: 8 bytes of length, then JSON that names each tensor with its type, its shape and where its bytes lie behind the header.</summary>
/// <remarks>Only the header is read, through one buffer that does not grow with it: a file may claim what it likes.</remarks>
internal static class SafetensorsHeader
{
    // The format's own limit.
    private const long Longest = 100_000_000;
    private const int LengthBytes = 8;
    private const int Buffer = 64 << 10;

    // A token that is larger than this, such as a text in the metadata, is not read.
    private const int LargestToken = 16 << 20;

    /// <summary>Adds the tensors of a file up.</summary>
    /// <param name="file">From its start.</param>
    /// <param name="length">The bytes of the whole file.</param>
    /// <param name="name">What to call it.</param>
    /// <returns>What is wrong with it, as a phrase; null if it is whole.</returns>
    public static string? Read(Stream file, long length, string name, TensorTally tally)
    {
        Span<byte> start = stackalloc byte[LengthBytes];
        if (length < LengthBytes || file.ReadAtLeast(start, LengthBytes, throwOnEndOfStream: false) < LengthBytes)
        {
            return $"the file {name} is truncated: it ends after {length} bytes";
        }

        var header = BinaryPrimitives.ReadUInt64LittleEndian(start);
        if (header is < 2 or > Longest)
        {
            return $"the file {name} is no safetensors file: its first bytes give no length of a header";
        }

        if ((long)header > length - LengthBytes)
        {
            return $"the file {name} is truncated: it ends within its header";
        }

        var tensors = new SafetensorsTensors(tally);
        return !Parse(file, (long)header, tensors) ? $"the file {name} is no safetensors file: its header cannot be read" : Whole(name, LengthBytes + (long)header, tensors.End, length);
    }

    private static string? Whole(string name, long start, long end, long length)
    {
        var expected = Saturating.Add(start, end);
        return expected > length ? $"the file {name} is truncated: {new ByteSize(length)} of {new ByteSize(expected)} are there"
            : expected < length ? $"the file {name} is damaged: it has {length - expected} bytes more than its header tells"
            : null;
    }

    private static bool Parse(Stream file, long header, SafetensorsTensors tensors)
    {
        var buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(header, Buffer));
        try
        {
            var (state, held, left) = (new JsonReaderState(), 0, header);
            while (true)
            {
                if (held == buffer.Length)
                {
                    if (held >= LargestToken)
                    {
                        return false;
                    }

                    Grow(ref buffer, held);
                }

                var read = file.Read(buffer, held, (int)Math.Min(left, buffer.Length - held));
                if (read == 0 && left > 0)
                {
                    return false; // it was cut off while we read
                }

                (held, left) = (held + read, left - read);
                var reader = new Utf8JsonReader(buffer.AsSpan(0, held), isFinalBlock: left == 0, state);
                while (reader.Read())
                {
                    if (!tensors.Take(ref reader))
                    {
                        return false;
                    }
                }

                if (left == 0)
                {
                    return true;
                }

                var consumed = (int)reader.BytesConsumed;
                buffer.AsSpan(consumed, held - consumed).CopyTo(buffer);
                (state, held) = (reader.CurrentState, held - consumed);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or IOException)
        {
            return false; // no JSON; a name that is no text; a disk that fails
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static void Grow(ref byte[] buffer, int held)
    {
        var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.AsSpan(0, held).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        buffer = larger;
    }
}
