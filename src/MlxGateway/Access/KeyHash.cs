using System.Security.Cryptography;
using System.Text;

namespace MlxGateway.Access;

/// <summary>The form in which keys are written down. Keys are long and random, so that one pass of a fast hash keeps them; a password would want a slow one.</summary>
internal static class KeyHash
{
    private const string Prefix = "sha256:";

    // Longer than any key that somebody means to send.
    private const int LongestKey = 4096;

    /// <summary>The bytes of a hash as it is written; null if it is none.</summary>
    public static byte[]? TryParse(string text)
    {
        var bytes = new byte[SHA256.HashSizeInBytes];
        return text.StartsWith(Prefix, StringComparison.Ordinal) && text.Length == Prefix.Length + (2 * bytes.Length)
            && Convert.FromHexString(text.AsSpan(Prefix.Length), bytes, out _, out _) == System.Buffers.OperationStatus.Done ? bytes : null;
    }

    /// <summary>Hashes a key that was sent.</summary>
    /// <returns>False: it is too long to be one.</returns>
    public static bool TryHash(ReadOnlySpan<char> key, Span<byte> hash)
    {
        if (key.Length > LongestKey)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[Encoding.UTF8.GetMaxByteCount(Math.Min(key.Length, 256))];
        bytes = key.Length <= 256 ? bytes : new byte[Encoding.UTF8.GetMaxByteCount(key.Length)];
        SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(key, bytes)], hash);
        return true;
    }
}
