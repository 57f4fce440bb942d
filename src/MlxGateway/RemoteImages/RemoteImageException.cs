using MlxGateway.Supervision.Models;

namespace MlxGateway.RemoteImages;

/// <summary>An image cannot be had. The message is the end of a sentence for a person, and says nothing of what was read.</summary>
internal sealed class RemoteImageException(string message) : Exception(message)
{
    /// <summary>It has more bytes than it may.</summary>
    public static RemoteImageException TooLarge(long limit) => new($"it is larger than {new ByteSize(limit)}, the limit that RemoteImages:MaxBytes sets");
}
