using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace MlxGateway.RemoteImages;

/// <summary>An image as it stands in JSON, in pooled memory. It is encoded as it comes, so that its own bytes are never in memory as a whole.</summary>
internal sealed class EncodedImage : IDisposable
{
    private const int Chunk = 48 * 1024; // whole groups of three bytes, so that pieces join without padding
    private byte[] _bytes = [];
    private int _length;

    private EncodedImage(string type) => MediaType = type;

    /// <summary>What it is.</summary>
    public string MediaType { get; }

    /// <summary>The image in base64.</summary>
    public ReadOnlyMemory<byte> Base64 => _bytes.AsMemory(0, _length);

    /// <summary>Reads an image to its end.</summary>
    /// <param name="source">Its bytes.</param>
    /// <param name="expected">Their number, if it was announced; only a hint.</param>
    /// <param name="limit">The most bytes that it may have.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="RemoteImageException">It is too large, or no image.</exception>
    public static async Task<EncodedImage> ReadAsync(Stream source, long? expected, long limit, CancellationToken cancellationToken)
    {
        if (expected > limit)
        {
            throw RemoteImageException.TooLarge(limit);
        }

        var chunk = ArrayPool<byte>.Shared.Rent(Chunk);
        EncodedImage? image = null;
        try
        {
            for (long total = 0; ;)
            {
                var read = await source.ReadAtLeastAsync(chunk.AsMemory(0, Chunk), Chunk, throwOnEndOfStream: false, cancellationToken);
                total += read;
                if (total > limit)
                {
                    throw RemoteImageException.TooLarge(limit);
                }

                image ??= new EncodedImage(ImageType.Of(chunk.AsSpan(0, read)) ?? throw new RemoteImageException("it is no PNG, JPEG, WebP or GIF image"));
                image.Append(chunk.AsSpan(0, read), expected ?? total);
                if (read < Chunk)
                {
                    return image;
                }
            }
        }
        catch
        {
            image?.Dispose();
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(chunk);
        }
    }

    /// <summary>What stands in the place of the address.</summary>
    /// <param name="isSource">Whether a whole Anthropic <c>source</c> is replaced, rather than a text.</param>
    /// <returns>What stands before <see cref="Base64"/>, and what stands behind it.</returns>
    public (ReadOnlyMemory<byte> Before, ReadOnlyMemory<byte> After) Around(bool isSource) => isSource
        ? (Encoding.ASCII.GetBytes("{\"type\":\"base64\",\"media_type\":\"" + MediaType + "\",\"data\":\""), "\"}"u8.ToArray())
        : (Encoding.ASCII.GetBytes($"\"data:{MediaType};base64,"), "\""u8.ToArray());

    /// <inheritdoc/>
    public void Dispose()
    {
        var bytes = Interlocked.Exchange(ref _bytes, []);
        if (bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private void Append(ReadOnlySpan<byte> bytes, long expected)
    {
        var needed = _length + Base64Length(bytes.Length);
        if (needed > _bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Math.Max(needed, Base64Length((int)expected)), Math.Min(2 * _bytes.Length, Array.MaxLength)));
            Base64.Span.CopyTo(larger);
            Dispose();
            _bytes = larger;
        }

        System.Buffers.Text.Base64.EncodeToUtf8(bytes, _bytes.AsSpan(_length), out _, out var written);
        _length += written;
    }

    private static int Base64Length(int bytes) => System.Buffers.Text.Base64.GetMaxEncodedToUtf8Length(bytes);
}
