namespace MlxGateway.Supervision.Processes;

/// <summary>Makes files and folders that only this user can read: a log may hold what a client said.</summary>
internal static class PrivateFiles
{
    private const UnixFileMode FileMode600 = UnixFileMode.UserRead | UnixFileMode.UserWrite;

#pragma warning disable CA1416 // There is no Windows here: the process table has refused long before.
    public static void CreateFolder(string path) => Directory.CreateDirectory(path, FileMode600 | UnixFileMode.UserExecute);

    /// <summary>An empty file to write to, whatever was there before.</summary>
    public static FileStream Create(string path) =>
        new(path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0, UnixCreateMode = FileMode600 });
#pragma warning restore CA1416
}
