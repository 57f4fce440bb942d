using System.IO.Compression;
using Microsoft.Extensions.Primitives;
using ZstdSharp.Unsafe;

namespace MlxGateway.Inference.Bodies;

/// <summary>Undoes what <c>Content-Encoding</c> says was done to a body, while it is read.</summary>
internal static class ContentCodings
{
    /// <summary>What is understood, for sentences and headers.</summary>
    public const string Names = "gzip, deflate, br, zstd";

    // Nobody compresses more often than that; each is a decoder with a window of its own.
    private const int MostInARow = 3;

    // 8 MB, the most that a zstd frame may want of a receiver over HTTP (RFC 9659).
    private const int ZstdWindowLog = 23;

    /// <summary>The body as it was before it was encoded. Exactly one of the two results is there.</summary>
    /// <param name="body">What comes over the wire.</param>
    /// <param name="encodings">The header, in the order in which the encodings were applied.</param>
    /// <param name="limit">The most bytes that may come over the wire. What they become is for the reader to limit.</param>
    public static (Stream? Decoded, GatewayError? Error) Decode(Stream body, StringValues encodings, long limit)
    {
        var names = encodings.SelectMany(static e => (e ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            .Where(static n => !n.Equals("identity", StringComparison.OrdinalIgnoreCase))
            .ToList();
        if (names.Count == 0)
        {
            return (body, null);
        }

        if (names.Count > MostInARow)
        {
            return (null, Unsupported($"The body was encoded {names.Count} times; {MostInARow} times are the most that are undone."));
        }

        Stream decoded = new CountedStream(body, limit);
        for (var i = names.Count - 1; i >= 0; i--)
        {
            if (Decoder(names[i], decoded) is not { } decoder)
            {
                decoded.Dispose();
                return (null, Unsupported($"The body has Content-Encoding '{names[i]}'; supported are {Names}."));
            }

            decoded = decoder;
        }

        return (new DecodedStream(decoded, string.Join(", ", names)), null);
    }

    private static Stream? Decoder(string name, Stream encoded)
    {
        switch (name.ToUpperInvariant())
        {
            case "GZIP" or "X-GZIP":
                return new GZipStream(encoded, CompressionMode.Decompress);
            case "DEFLATE":
                return new ZLibStream(encoded, CompressionMode.Decompress);
            case "BR":
                return new BrotliStream(encoded, CompressionMode.Decompress);
            case "ZSTD":
                var zstd = new ZstdSharp.DecompressionStream(encoded, leaveOpen: false);
                zstd.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, ZstdWindowLog);
                return zstd;
            default:
                return null;
        }
    }

    private static GatewayError Unsupported(string message) => GatewayError.InvalidRequest(message) with { Status = StatusCodes.Status415UnsupportedMediaType };
}
