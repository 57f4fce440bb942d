namespace MlxGateway.RemoteImages;

/// <summary>Tells what an image is by its first bytes. What its server says does not count.</summary>
internal static class ImageType
{
    /// <summary>The most bytes that are needed to tell.</summary>
    public const int Needed = 12;

    /// <summary>Its media type; null: it is none that models are sent.</summary>
    public static string? Of(ReadOnlySpan<byte> start) =>
        start.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A]) ? "image/png"
        : start.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) ? "image/jpeg"
        : start.StartsWith("GIF87a"u8) || start.StartsWith("GIF89a"u8) ? "image/gif"
        : start.StartsWith("RIFF"u8) && start.Length >= Needed && start[8..].StartsWith("WEBP"u8) ? "image/webp"
        : null;
}
