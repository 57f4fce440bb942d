using System.IO.Compression;
using Microsoft.Extensions.Primitives;
using ZstdSharp;

namespace MlxGateway.Inference;

/// <summary>Undoes what a <c>Content-Encoding</c> says of a body, while it is read: the limits on bodies hold for what comes out.</summary>
internal static class ContentDecoding
{
    /// <summary>The names that are known, for a person.</summary>
    public const string Known = "gzip, deflate, br and zstd";

    // Two are one more than anybody sends; each costs a window of memory.
    private const int MostLayers = 2;

    /// <summary>The body as it was before it was encoded.</summary>
    /// <param name="body">The body as it was sent.</param>
    /// <param name="encodings">The header: names in the order in which they were applied.</param>
    /// <param name="unknown">The name that is not known, where there is one.</param>
    /// <returns>Null: it cannot be read.</returns>
    public static Stream? TryOpen(Stream body, StringValues encodings, out string? unknown)
    {
        var names = encodings.ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        unknown = names.Length > MostLayers ? encodings.ToString() : names.FirstOrDefault(static n => Open(Stream.Null, n) is null);
        return unknown is null ? names.Reverse().Aggregate(body, static (inner, name) => Open(inner, name)!) : null;
    }

    /// <summary>Whether this says that the bytes are not what the encoding makes.</summary>
    public static bool IsBroken(Exception exception) => exception is InvalidDataException or ZstdException or EndOfStreamException or InvalidOperationException;

#pragma warning disable CA1308 // The names of encodings are written in lower case.
    private static Stream? Open(Stream body, string name) => name.ToLowerInvariant() switch
    {
        "gzip" or "x-gzip" => new GZipStream(body, CompressionMode.Decompress, leaveOpen: true),
        "deflate" => new ZLibStream(body, CompressionMode.Decompress, leaveOpen: true),
        "br" => new BrotliStream(body, CompressionMode.Decompress, leaveOpen: true),
        "zstd" => new DecompressionStream(body, leaveOpen: true),
        "identity" => body,
        _ => null,
    };
#pragma warning restore CA1308
}
