namespace MlxGateway.Supervision.Processes;

/// <summary>Makes files and folders that only this user can read: a log may hold what a client said, a setting a key.</summary>
public static class PrivateFiles
{
    private const UnixFileMode FileMode600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;

#pragma warning disable CA1416 // There is no Windows here: the process table has refused long before.
    /// <summary>A folder, with those that lead to it, unless it is there.</summary>
    public static void CreateFolder(string path) => Directory.CreateDirectory(path, FileMode600 | UnixFileMode.UserExecute);

    /// <summary>Replaces a file, or makes it, in one step, so that nobody ever reads half of it and a full disk leaves it as it was. Its folder must be there.</summary>
    /// <param name="path">The file.</param>
    /// <param name="write">Writes what is to be in it.</param>
    /// <param name="mode">Who may read it; null: this user alone.</param>
    /// <exception cref="IOException">It cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be written.</exception>
    public static void Replace(string path, Action<Stream> write, UnixFileMode? mode = null)
    {
        var draft = $"{path}.{Guid.NewGuid():N}.new";
        try
        {
            using (var file = Create(draft))
            {
                write(file);
            }

            if (mode is { } wanted)
            {
                File.SetUnixFileMode(draft, wanted);
            }

            File.Move(draft, path, overwrite: true);
        }
        finally
        {
            File.Delete(draft);
        }
    }

    /// <summary>Keeps others who ask the same from writing a file until it is disposed. Whoever dies meanwhile keeps nobody. Its folder must be there.</summary>
    /// <returns>Null: another one has it.</returns>
    /// <exception cref="UnauthorizedAccessException">The folder cannot be written to.</exception>
    public static IDisposable? TryLock(string path)
    {
        var name = path + ".lock";
        try
        {
            return new FileStream(name, new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.None, UnixCreateMode = FileMode600 });
        }
        catch (IOException) when (File.Exists(name))
        {
            return null;
        }
    }

    /// <summary>An empty file to write to, whatever was there before.</summary>
    public static FileStream Create(string path) =>
        new(path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0, UnixCreateMode = FileMode600 });
#pragma warning restore CA1416
}
