using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;

namespace MlxGateway.ContextWindow;

/// <summary>What an image counts: its size from the first bytes of its file, and how many tokens a family of models makes of that size.</summary>
internal static class ImageTokens
{
    // A photograph's header with its metadata is seldom longer.
    private const int Looked = 1 << 16;

    /// <summary>The tokens of an image for an architecture, as its processor is documented. The size may be unknown (0, 0).</summary>
    public static int For(string? architecture, int width, int height)
    {
        var name = architecture ?? "";
        if (name.StartsWith("gemma", StringComparison.OrdinalIgnoreCase))
        {
            return 258; // always 256, between two marks
        }

        if (name.StartsWith("llava", StringComparison.OrdinalIgnoreCase) || name.StartsWith("llama", StringComparison.OrdinalIgnoreCase))
        {
            return 576; // 24 × 24 patches of CLIP at 336 pixels
        }

        // Qwen-VL and those like it: a token is 28 pixels square, between 4 and 16384 of them. Others see less.
        if (width <= 0 || height <= 0)
        {
            return 1280;
        }

        var patches = Math.Max(1, Math.Round(width / 28.0)) * Math.Max(1, Math.Round(height / 28.0));
        return (int)Math.Clamp(patches, 4, 16384) + 2;
    }

    /// <summary>The size of an image in a data URI; (0, 0): it cannot be told.</summary>
    public static (int Width, int Height) SizeOf(ReadOnlySpan<byte> uri)
    {
        var comma = uri.IndexOf((byte)',');
        if (comma < 0 || !uri.StartsWith("data:"u8) || uri[..comma].IndexOf(";base64"u8) < 0)
        {
            return default;
        }

        var text = uri[(comma + 1)..];
        text = text[..Math.Min(text.Length & ~3, Looked)];
        var bytes = ArrayPool<byte>.Shared.Rent(Looked);
        try
        {
            _ = Base64.DecodeFromUtf8(text, bytes, out _, out var written, isFinalBlock: false);
            return SizeOfFile(bytes.AsSpan(0, written));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <summary>The size that the head of a PNG, GIF, WebP or JPEG file states; (0, 0): it states none.</summary>
    public static (int Width, int Height) SizeOfFile(ReadOnlySpan<byte> file)
    {
        if (file.Length >= 24 && file.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G']))
        {
            return Sane(BinaryPrimitives.ReadUInt32BigEndian(file[16..]), BinaryPrimitives.ReadUInt32BigEndian(file[20..]));
        }

        if (file.Length >= 10 && file.StartsWith("GIF8"u8))
        {
            return (BinaryPrimitives.ReadUInt16LittleEndian(file[6..]), BinaryPrimitives.ReadUInt16LittleEndian(file[8..]));
        }

        if (file.Length >= 30 && file.StartsWith("RIFF"u8) && file[8..].StartsWith("WEBP"u8))
        {
            return WebP(file[12..]);
        }

        return file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8]) ? Jpeg(file[2..]) : default;
    }

    private static (int Width, int Height) WebP(ReadOnlySpan<byte> chunk) => chunk[3] switch
    {
        (byte)'X' => (1 + (chunk[12] | (chunk[13] << 8) | (chunk[14] << 16)), 1 + (chunk[15] | (chunk[16] << 8) | (chunk[17] << 16))),
        (byte)'L' => (1 + (BinaryPrimitives.ReadUInt16LittleEndian(chunk[9..]) & 0x3FFF), 1 + ((int)(BinaryPrimitives.ReadUInt32LittleEndian(chunk[9..]) >> 14) & 0x3FFF)),
        (byte)' ' => (BinaryPrimitives.ReadUInt16LittleEndian(chunk[14..]) & 0x3FFF, BinaryPrimitives.ReadUInt16LittleEndian(chunk[16..]) & 0x3FFF),
        _ => default,
    };

    // Segments with a length each, until one that begins a frame.
    private static (int Width, int Height) Jpeg(ReadOnlySpan<byte> rest)
    {
        while (rest.Length >= 9 && rest[0] == 0xFF)
        {
            if (rest[1] is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                return (BinaryPrimitives.ReadUInt16BigEndian(rest[7..]), BinaryPrimitives.ReadUInt16BigEndian(rest[5..]));
            }

            var length = rest[1] == 0xFF ? 1 : 2 + BinaryPrimitives.ReadUInt16BigEndian(rest[2..]);
            if (length > rest.Length)
            {
                break;
            }

            rest = rest[length..];
        }

        return default;
    }

    private static (int Width, int Height) Sane(uint width, uint height) => width > 1 << 20 || height > 1 << 20 ? default : ((int)width, (int)height);
}
