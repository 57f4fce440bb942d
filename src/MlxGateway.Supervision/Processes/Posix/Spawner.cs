using System.Globalization;

namespace MlxGateway.Supervision.Processes;

/// <summary>
/// Starts a process through <c>posix_spawn</c>: a session and group of its own, signals as a fresh program expects them, and no descriptor but the first three.
/// </summary>
internal static unsafe class Spawner
{
    private const int SignalDefaults = 0x04;
    private const int SignalMask = 0x08;
    private const int SessionLinux = 0x80;
    private const int SessionMac = 0x400;
    private const int CloseByDefaultMac = 0x4000;

    private const int ReadOnly = 0;
    private const int WriteOnly = 1;
    private const int AppendLinux = 0x400;
    private const int AppendMac = 0x8;

    /// <summary>Both objects are opaque; 336 bytes is the largest on any system, and a pointer to a heap object the smallest.</summary>
    private const int OpaqueSize = 512;

    private static bool _hasCloseFrom = OperatingSystem.IsLinux();

    /// <returns>The process id of the child.</returns>
    /// <exception cref="SpawnException">The system refused.</exception>
    public static int Spawn(SpawnRequest request)
    {
        using var arguments = new NativeStrings(request.Arguments);
        using var environment = new NativeStrings(request.Environment.Select(variable => $"{variable.Key}={variable.Value}"));
        using var path = new NativeStrings([request.Path]);

        var attributes = stackalloc byte[OpaqueSize];
        var actions = stackalloc byte[OpaqueSize];
        new Span<byte>(attributes, OpaqueSize).Clear();
        new Span<byte>(actions, OpaqueSize).Clear();

        Check(LibC.posix_spawnattr_init(attributes));
        try
        {
            SetAttributes(attributes);
            Check(LibC.posix_spawn_file_actions_init(actions));
            try
            {
                AddActions(actions, request);
                int pid;
                Check(LibC.posix_spawn(&pid, path.Pointers[0], actions, attributes, arguments.Pointers, environment.Pointers));
                return pid;
            }
            finally
            {
                _ = LibC.posix_spawn_file_actions_destroy(actions);
            }
        }
        finally
        {
            _ = LibC.posix_spawnattr_destroy(attributes);
        }
    }

    private static void SetAttributes(void* attributes)
    {
        var flags = SignalDefaults | SignalMask | (OperatingSystem.IsMacOS() ? SessionMac | CloseByDefaultMac : SessionLinux);
        Check(LibC.posix_spawnattr_setflags(attributes, (short)flags));

        var signals = stackalloc byte[128];
        var set = new Span<byte>(signals, 128);
        set.Clear();
        Check(LibC.posix_spawnattr_setsigmask(attributes, signals));

        // .NET ignores SIGPIPE, and what is ignored stays ignored across exec: a child writing into a closed pipe would never end.
        BitConverter.TryWriteBytes(set, Signals.AllThatCanBeReset);
        Check(LibC.posix_spawnattr_setsigdefault(attributes, signals));
    }

    private static void AddActions(void* actions, SpawnRequest request)
    {
        Check(request.Input is { } input
            ? LibC.posix_spawn_file_actions_adddup2(actions, input, 0)
            : LibC.posix_spawn_file_actions_addopen(actions, 0, "/dev/null", ReadOnly, 0));

        // Appending, so that the file may be truncated while the child writes to it.
        var append = WriteOnly | (OperatingSystem.IsMacOS() ? AppendMac : AppendLinux);
        Check(LibC.posix_spawn_file_actions_addopen(actions, 1, request.Output, append, 0));
        Check(LibC.posix_spawn_file_actions_adddup2(actions, 1, 2));

        if (request.WorkingDirectory is { } directory)
        {
            Check(LibC.posix_spawn_file_actions_addchdir_np(actions, directory));
        }

        if (OperatingSystem.IsLinux())
        {
            CloseTheRest(actions);
        }
    }

    /// <summary>.NET opens everything close-on-exec; this is for what others left open: a library, or whoever started the gateway.</summary>
    private static void CloseTheRest(void* actions)
    {
        if (_hasCloseFrom)
        {
            try
            {
                Check(LibC.posix_spawn_file_actions_addclosefrom_np(actions, 3));
                return;
            }
            catch (EntryPointNotFoundException)
            {
                _hasCloseFrom = false;
            }
        }

        // An older glibc, or musl. Closing one that is closed already is no error there.
        foreach (var entry in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
        {
            if (int.TryParse(Path.GetFileName(entry), NumberStyles.None, CultureInfo.InvariantCulture, out var descriptor) && descriptor > 2)
            {
                Check(LibC.posix_spawn_file_actions_addclose(actions, descriptor));
            }
        }
    }

    /// <summary>These functions return the error number; they do not set <c>errno</c>.</summary>
    private static void Check(int error)
    {
        if (error != 0)
        {
            throw new SpawnException(error);
        }
    }
}
