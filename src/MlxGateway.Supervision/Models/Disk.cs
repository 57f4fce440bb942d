using System.Security;

namespace MlxGateway.Supervision.Models;

/// <summary>Looks at files that anybody may have put there. Never throws for what it finds: what cannot be looked at is not there.</summary>
/// <remarks>
/// A pipe or a device has no bytes by its length, and opening one may block for ever; so whatever has no bytes is never opened and is no file of a model.
/// </remarks>
internal static class Disk
{
    /// <summary>The bytes of a file, links followed; null if it is none, or is empty.</summary>
    public static long? Length(string path) => Target(path, file => file.Length > 0 ? file.Length : (long?)null);

    /// <summary>Whether there is a file, links followed, that has no bytes.</summary>
    public static bool IsEmpty(string path) => Target<bool?>(path, file => file.Length == 0) == true;

    /// <summary>Whether a file has bytes and may be read.</summary>
    public static bool CanRead(string path) => Length(path) is not null && Try(
        () =>
        {
            using var handle = File.OpenHandle(path);
            return true;
        },
        false);

    /// <summary>Whether it is a folder, links followed.</summary>
    public static bool IsFolder(string path) => Directory.Exists(path); // never throws

    /// <summary>The whole text of a file; null if it is none, cannot be read or is larger than <paramref name="limit"/> bytes.</summary>
    public static string? Text(string path, long limit) => Length(path) is { } length && length <= limit ? Try<string?>(() => File.ReadAllText(path), null) : null;

    /// <summary>All bytes of a file; null if it is none, cannot be read or is larger than <paramref name="limit"/> bytes.</summary>
    public static byte[]? Bytes(string path, long limit) => Length(path) is { } length && length <= limit ? Try<byte[]?>(() => File.ReadAllBytes(path), null) : null;

    /// <summary>A file to read from its start, without a buffer of its own; null if it is none or cannot be read.</summary>
    public static FileStream? Open(string path) => Length(path) is null ? null : Try<FileStream?>(() => new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0), null);

    /// <summary>The full paths of what is in a folder, ordered by name; nothing if it cannot be read. At most <paramref name="limit"/>.</summary>
    public static IReadOnlyList<string> Entries(string folder, int limit) => Try<IReadOnlyList<string>>(
        () => [.. Directory.EnumerateFileSystemEntries(folder).Take(limit).Order(StringComparer.Ordinal)],
        []);

    /// <summary>The real path of a folder, links followed; null if they lead nowhere.</summary>
    public static string? RealFolder(string folder) => Try(
        () =>
        {
            var info = new DirectoryInfo(folder);
            return info.LinkTarget is null ? info.FullName : info.ResolveLinkTarget(returnFinalTarget: true)?.FullName;
        },
        null);

    private static T? Target<T>(string path, Func<FileInfo, T?> look) => Try(
        () =>
        {
            var info = new FileInfo(path);
            var target = info.LinkTarget is null ? info : info.ResolveLinkTarget(returnFinalTarget: true) as FileInfo;
            return target is { Exists: true } ? look(target) : default;
        },
        default);

    private static T Try<T>(Func<T> look, T otherwise)
    {
        try
        {
            return look();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SecurityException or ArgumentException or NotSupportedException)
        {
            return otherwise;
        }
    }
}
