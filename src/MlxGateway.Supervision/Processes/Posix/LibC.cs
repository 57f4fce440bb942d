using System.Runtime.InteropServices;

namespace MlxGateway.Supervision.Processes;

/// <summary>The few functions of the C library that .NET has no door to. No variadic ones on macOS: its ARM calling convention passes those differently.</summary>
internal static unsafe partial class LibC
{
    private const string Library = "libc";

    [LibraryImport(Library)]
    public static partial int posix_spawn(int* pid, byte* path, void* fileActions, void* attributes, byte** arguments, byte** environment);

    [LibraryImport(Library)]
    public static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport(Library)]
    public static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport(Library)]
    public static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport(Library)]
    public static partial int posix_spawnattr_setsigdefault(void* attributes, void* signals);

    [LibraryImport(Library)]
    public static partial int posix_spawnattr_setsigmask(void* attributes, void* signals);

    [LibraryImport(Library)]
    public static partial int posix_spawn_file_actions_init(void* actions);

    [LibraryImport(Library)]
    public static partial int posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int posix_spawn_file_actions_addopen(void* actions, int descriptor, string path, int flags, uint mode);

    [LibraryImport(Library)]
    public static partial int posix_spawn_file_actions_adddup2(void* actions, int from, int to);

    [LibraryImport(Library)]
    public static partial int posix_spawn_file_actions_addclose(void* actions, int descriptor);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int posix_spawn_file_actions_addchdir_np(void* actions, string path);

    /// <summary>Only in glibc since 2.34.</summary>
    [LibraryImport(Library)]
    public static partial int posix_spawn_file_actions_addclosefrom_np(void* actions, int from);

    /// <param name="kind">1: one process id.</param>
    /// <param name="pid">Whom to wait for.</param>
    /// <param name="information">A <c>siginfo_t</c>, 128 bytes.</param>
    /// <param name="options">Which news, and whether to leave the zombie.</param>
    [LibraryImport(Library, SetLastError = true)]
    public static partial int waitid(int kind, uint pid, void* information, int options);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int waitpid(int pid, int* status, int options);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int kill(int pid, int signal);

    [LibraryImport(Library, SetLastError = true)]
    public static partial int getsid(int pid);

    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int access(string path, int mode);

    /// <param name="resource">Of what.</param>
    /// <param name="limits">Two numbers: the soft limit and the hard one.</param>
    [LibraryImport(Library, SetLastError = true)]
    public static partial int getrlimit(int resource, ulong* limits);

    /// <summary>Linux only.</summary>
    [LibraryImport(Library, SetLastError = true)]
    public static partial int prctl(int option, nuint two, nuint three, nuint four, nuint five);

    /// <summary>Linux only, and only for calls without a wrapper in every C library in use.</summary>
    [LibraryImport(Library, SetLastError = true)]
    public static partial nint syscall(nint number, nint one, nint two);

    /// <param name="descriptors">Each a <c>pollfd</c>: the descriptor, what to wait for, and what came, in 4, 2 and 2 bytes.</param>
    /// <param name="count">How many.</param>
    /// <param name="milliseconds">How long; negative: for ever.</param>
    [LibraryImport(Library, SetLastError = true)]
    public static partial int poll(void* descriptors, nuint count, int milliseconds);

    /// <summary>Linux only, never with a mode.</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int open(string path, int flags);

    [LibraryImport(Library, SetLastError = true)]
    public static partial nint read(int descriptor, byte* buffer, nuint count);

    [LibraryImport(Library)]
    public static partial int close(int descriptor);

    /// <summary>Linux only: the target of a symbolic link, without its ending zero.</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint readlink(string path, byte* buffer, nuint size);

    /// <summary>macOS only: two numbers, the fraction of nanoseconds in a unit of the system's clock.</summary>
    [LibraryImport(Library)]
    public static partial int mach_timebase_info(uint* fraction);

    /// <summary>macOS only.</summary>
    [LibraryImport(Library, SetLastError = true)]
    public static partial int sysctl(int* name, uint nameLength, void* value, nuint* valueLength, void* newValue, nuint newLength);

    /// <summary>macOS only.</summary>
    [LibraryImport(Library, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int sysctlbyname(string name, void* value, nuint* valueLength, void* newValue, nuint newLength);
}
