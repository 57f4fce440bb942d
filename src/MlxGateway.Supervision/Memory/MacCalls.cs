using System.Runtime.InteropServices;

namespace MlxGateway.Supervision.Memory;

/// <summary>The calls into macOS. All of them are in libSystem, which every process there has and which answers to the name of libc.</summary>
internal static partial class MacCalls
{
    /// <summary><c>HOST_VM_INFO64</c> of <c>mach/host_info.h</c>.</summary>
    public const int HostVmInfo64 = 4;

    /// <summary><c>RUSAGE_INFO_V4</c> of <c>sys/resource.h</c> (macOS 10.14), the first that keeps the highest footprint. Later versions (to V6) add to its end.</summary>
    public const int RusageInfoV4 = 4;

    /// <summary><c>PROC_PGRP_ONLY</c> of <c>sys/proc_info.h</c>.</summary>
    public const uint PidsOfGroup = 2;

    /// <summary><c>PROC_PPID_ONLY</c> of <c>sys/proc_info.h</c>.</summary>
    public const uint PidsOfParent = 6;

    private const string Library = "libc";

    /// <summary><c>sys/sysctl.h</c>: 0 on success; <paramref name="length"/> is <c>size_t</c>, in the room of the buffer and out what was written of it.</summary>
    [LibraryImport(Library, EntryPoint = "sysctlbyname", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SysctlByName(string name, Span<byte> value, ref nuint length, nint newValue, nuint newLength);

    /// <summary><c>mach/mach_init.h</c>: the host's port. Each call adds a reference to it that the process keeps, so one call is enough.</summary>
    [LibraryImport(Library, EntryPoint = "mach_host_self")]
    public static partial uint MachHostSelf();

    /// <summary><c>mach/mach_host.h</c>: 0 on success; <paramref name="count"/> is in <c>integer_t</c>s of four bytes, in the room of the buffer and out what was written of it.</summary>
    [LibraryImport(Library, EntryPoint = "host_statistics64")]
    public static partial int HostStatistics64(uint host, int flavor, Span<int> info, ref uint count);

    /// <summary><c>mach/mach_init.h</c>: 0 on success; the kernel's page size as a <c>vm_size_t</c>. A process that is translated (Rosetta) has smaller pages of its own, in which the kernel does not count.</summary>
    [LibraryImport(Library, EntryPoint = "host_page_size")]
    public static partial int HostPageSize(uint host, out nuint size);

    /// <summary><c>libproc.h</c>: 0 on success.</summary>
    [LibraryImport(Library, EntryPoint = "proc_pid_rusage")]
    public static partial int ProcPidRusage(int pid, int flavor, Span<byte> buffer);

    /// <summary><c>libproc.h</c>: how many bytes of process ids were written; 0 or less on failure.</summary>
    [LibraryImport(Library, EntryPoint = "proc_listpids")]
    public static partial int ProcListPids(uint type, uint typeInfo, Span<int> buffer, int bufferBytes);

    /// <summary><c>stdio.h</c>: a stream of what the command line writes; null on failure.</summary>
    [LibraryImport(Library, EntryPoint = "popen", StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint OpenOutput(string commandLine, string mode);

    /// <summary><c>stdio.h</c>: how many items were read; fewer than asked for at the end.</summary>
    [LibraryImport(Library, EntryPoint = "fread")]
    public static partial nuint Read(Span<byte> buffer, nuint itemSize, nuint items, nint stream);

    /// <summary><c>stdio.h</c>: waits for the end of the command; its exit status, 0 if it succeeded.</summary>
    [LibraryImport(Library, EntryPoint = "pclose")]
    public static partial int CloseOutput(nint stream);
}
