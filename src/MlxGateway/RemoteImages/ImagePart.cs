namespace MlxGateway.RemoteImages;

/// <summary>A place in a body where an image is named by its address.</summary>
/// <param name="Offset">Where what is to be replaced begins.</param>
/// <param name="Length">How long that is.</param>
/// <param name="Url">The address, as it was written.</param>
/// <param name="Param">The field of the request that it lies in.</param>
/// <param name="IsSource">Whether an Anthropic <c>source</c> is replaced, rather than a text.</param>
internal readonly record struct ImagePart(long Offset, long Length, string Url, string Param, bool IsSource);
