using System.IO.Enumeration;
using System.Runtime.InteropServices;
using System.Security;

namespace MlxGateway.Supervision.Models;

/// <summary>Looks at files that anybody may have put there. Never throws for what it finds: what cannot be looked at is not there.</summary>
/// <remarks>
/// A pipe or a device has no bytes by its length, and opening one may block for ever; so whatever has no bytes is never opened and is no file of a model.
/// </remarks>
internal static partial class Disk
{
    /// <summary>The bytes of a file, links followed; null if it is none, or is empty.</summary>
    public static long? Length(string path) => Target(path) is { Length: > 0 } file ? file.Length : null;

    /// <summary>Tells whether a file or folder is what it was, links followed. A folder's stamp changes when something in it comes, goes or is renamed.</summary>
    public static FileStamp Stamp(string path) => Try(
        () =>
        {
            FileSystemInfo info = new FileInfo(path);
            info = info.LinkTarget is null ? info : info.ResolveLinkTarget(returnFinalTarget: true) ?? info;
            return info.Attributes == (FileAttributes)(-1) ? default
                : new FileStamp(info.Attributes.HasFlag(FileAttributes.Directory) ? 0 : info is FileInfo file ? file.Length : 0, info.LastWriteTimeUtc.Ticks);
        },
        default);

    /// <summary>Whether there is a file, links followed, that has no bytes.</summary>
    public static bool IsEmpty(string path) => Target(path) is { Length: 0 };

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

    /// <summary>What is in a folder, as the system lists it; nothing if it cannot be read. A link to a folder is a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="limit">After how many it stops.</param>
    /// <param name="wanted">Whether a file of this name is of interest; all folders are.</param>
    /// <returns>What is of interest, and how many were looked at.</returns>
    public static (IReadOnlyList<DiskEntry> Entries, int Seen) Entries(string folder, int limit, NameFilter wanted)
    {
        var entries = new List<DiskEntry>();
        var seen = 0;
        Try(
            () =>
            {
                var all = new FileSystemEnumerable<DiskEntry>(
                    folder,
                    (ref FileSystemEntry entry) => entry.IsDirectory ? new DiskEntry(entry.FileName.ToString(), true, entry.Attributes.HasFlag(FileAttributes.ReparsePoint))
                        : wanted(entry.FileName) ? new DiskEntry(entry.FileName.ToString(), false, false)
                        : default,
                    new EnumerationOptions { AttributesToSkip = 0, IgnoreInaccessible = true });
                foreach (var entry in all)
                {
                    // No name is that of a file whose name cannot be written down, so that it could not be opened either.
                    if (entry.Name is { } name && !name.Contains('\uFFFD', StringComparison.Ordinal))
                    {
                        entries.Add(entry);
                    }

                    if (++seen >= limit)
                    {
                        break;
                    }
                }

                return true;
            },
            false);
        return (entries, seen);
    }

    /// <summary>The real path, all links on the way followed; null if they lead nowhere.</summary>
    public static string? Real(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            return null;
        }

        var real = RealPath(path, 0);
        try
        {
            return Marshal.PtrToStringUTF8(real);
        }
        finally
        {
            unsafe
            {
                NativeMemory.Free((void*)real);
            }
        }
    }

    private static FileInfo? Target(string path) => Try(
        () =>
        {
            var info = new FileInfo(path);
            var target = info.LinkTarget is null ? info : info.ResolveLinkTarget(returnFinalTarget: true) as FileInfo;
            return target is { Exists: true } ? target : null;
        },
        null);

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

    // The framework follows the last link of a path alone, and not the links on the way.
    [LibraryImport("libc", EntryPoint = "realpath", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint RealPath(string path, nint buffer);
}

/// <summary>Whether a file of this name is of interest.</summary>
internal delegate bool NameFilter(ReadOnlySpan<char> name);

/// <summary>Something in a folder.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsFolder">Whether it is a folder, or a link to one.</param>
/// <param name="IsLink">Whether it is a link to a folder.</param>
internal readonly record struct DiskEntry(string Name, bool IsFolder, bool IsLink);

/// <summary>Tells whether something on the disk is what it was. The default value: there was nothing.</summary>
/// <param name="Length">The bytes of a file; 0 for a folder.</param>
/// <param name="Modified">When it was last written to, in ticks of UTC.</param>
internal readonly record struct FileStamp(long Length, long Modified);
