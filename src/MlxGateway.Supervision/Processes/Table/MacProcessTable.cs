using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace MlxGateway.Supervision.Processes;

/// <summary>Asks <c>libproc</c> and <c>sysctl</c>. Thin: what the answers mean is in <see cref="MacLayouts"/>.</summary>
internal sealed unsafe partial class MacProcessTable : IProcessTable
{
    private const int ListDescriptors = 1; // PROC_PIDLISTFDS
    private const int BsdInfo = 3; // PROC_PIDTBSDINFO
    private const int SocketInfo = 3; // PROC_PIDFDSOCKETINFO
    private const int ResourceUsage = 0; // RUSAGE_INFO_V0
    private const int Kernel = 1; // CTL_KERN
    private const int Arguments = 49; // KERN_PROCARGS2
    private const int LongestArguments = 1 << 20; // ARG_MAX

    private readonly Lazy<ProcessEpoch> _epoch = new(() => new ProcessEpoch(BootSession(), ""));

    public ProcessEpoch Epoch => _epoch.Value;

    public IReadOnlyList<ProcessEntry> All()
    {
        var pids = new int[Math.Max(proc_listallpids(null, 0), 0) + 64];
        int count;
        fixed (int* start = pids)
        {
            count = proc_listallpids(start, pids.Length * sizeof(int));
        }

        var entries = new List<ProcessEntry>(Math.Max(count, 0));
        foreach (var pid in pids.AsSpan(0, Math.Clamp(count, 0, pids.Length)))
        {
            if (pid > 0 && Find(pid) is { } entry)
            {
                entries.Add(entry);
            }
        }

        return entries;
    }

    /// <remarks>With an argument of 0 the system does not look among zombies, which is what we want: those are gone.</remarks>
    public ProcessEntry? Find(int pid)
    {
        var info = stackalloc byte[MacLayouts.BsdInfoSize];
        return proc_pidinfo(pid, BsdInfo, 0, info, MacLayouts.BsdInfoSize) == MacLayouts.BsdInfoSize
            ? MacLayouts.ParseBsdInfo(new ReadOnlySpan<byte>(info, MacLayouts.BsdInfoSize), LibC.getsid(pid))
            : null;
    }

    /// <remarks>The system's own programs (<c>/bin/sh</c>) hide theirs; engines from Homebrew, conda and uv do not.</remarks>
    public bool HasVariable(int pid, string name, string value)
    {
        var block = ArrayPool<byte>.Shared.Rent(LongestArguments);
        try
        {
            var path = stackalloc int[] { Kernel, Arguments, pid };
            var length = (nuint)block.Length;
            fixed (byte* start = block)
            {
                return LibC.sysctl(path, 3, start, &length, null, 0) == 0 && MacLayouts.HasVariable(block.AsSpan(0, (int)length), name, value);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }

    public TimeSpan? ProcessorTimeOf(int pid)
    {
        var usage = stackalloc byte[MacLayouts.ResourceUsageSize];
        var timebase = stackalloc uint[2];
        return proc_pid_rusage(pid, ResourceUsage, usage) == 0 && LibC.mach_timebase_info(timebase) == 0 && timebase[1] != 0
            ? MacLayouts.ParseProcessorTime(new ReadOnlySpan<byte>(usage, MacLayouts.ResourceUsageSize), timebase[0], timebase[1])
            : null;
    }

    public bool? AnyListens(IReadOnlyCollection<int> pids, int port)
    {
        var allSeen = true;
        foreach (var pid in pids)
        {
            switch (Listens(pid, port))
            {
                case true: return true;
                case null: allSeen = false; break;
            }
        }

        return allSeen ? false : null;
    }

    private static bool? Listens(int pid, int port)
    {
        // Asked without a buffer, it says how much it would need at most.
        var size = proc_pidinfo(pid, ListDescriptors, 0, null, 0);
        if (size <= 0)
        {
            return null;
        }

        var array = new byte[size + (16 * MacLayouts.DescriptorSize)];
        fixed (byte* start = array)
        {
            size = proc_pidinfo(pid, ListDescriptors, 0, start, array.Length);
        }

        var socket = stackalloc byte[MacLayouts.SocketSize];
        foreach (var descriptor in MacLayouts.SocketDescriptors(array.AsSpan(0, Math.Clamp(size, 0, array.Length))))
        {
            if (proc_pidfdinfo(pid, descriptor, SocketInfo, socket, MacLayouts.SocketSize) == MacLayouts.SocketSize
                && MacLayouts.Listens(new ReadOnlySpan<byte>(socket, MacLayouts.SocketSize), port))
            {
                return true;
            }
        }

        return size <= 0 ? null : false;
    }

    private static string BootSession()
    {
        var text = stackalloc byte[64];
        nuint length = 64;
        return LibC.sysctlbyname("kern.bootsessionuuid", text, &length, null, 0) == 0 && length > 1 ? Encoding.ASCII.GetString(text, (int)length - 1) : "";
    }

    /// <returns>How many there are; with a buffer, how many were written. <paramref name="size"/> is in bytes.</returns>
    [LibraryImport("libproc")]
    private static partial int proc_listallpids(int* pids, int size);

    [LibraryImport("libproc")]
    private static partial int proc_pidinfo(int pid, int flavor, ulong argument, void* buffer, int size);

    [LibraryImport("libproc")]
    private static partial int proc_pid_rusage(int pid, int flavor, void* usage);

    [LibraryImport("libproc")]
    private static partial int proc_pidfdinfo(int pid, int descriptor, int flavor, void* buffer, int size);
}
