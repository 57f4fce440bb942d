using System.Runtime.InteropServices;

namespace MlxGateway.Supervision.Memory;

/// <summary>The calls into macOS. All of them are in libSystem, which every process there has.</summary>
internal static partial class MacCalls
{
    /// <summary><c>HOST_VM_INFO64</c> of <c>mach/host_info.h</c>.</summary>
    public const int HostVmInfo64 = 4;

    /// <summary><c>RUSAGE_INFO_V0</c> of <c>sys/resource.h</c>.</summary>
    public const int RusageInfoV0 = 0;


    /// <summary><c>PROC_PGRP_ONLY</c> of <c>sys/proc_info.h</c>.</summary>
    public const uint PidsOfGroup = 2;

    /// <summary><c>PROC_PPID_ONLY</c> of <c>sys/proc_info.h</c>.</summary>
    public const uint PidsOfParent = 6;

    private const string System = "libSystem.dylib";

    /// <summary><c>sys/sysctl.h</c>: 0 on success; <paramref name="length"/> is <c>size_t</c>.</summary>
    [LibraryImport(System, EntryPoint = "sysctlbyname", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SysctlByName(string name, out ulong value, ref nuint length, nint newValue, nuint newLength);

    /// <summary><c>mach/mach_init.h</c>: the host's port, which is the process's to keep.</summary>
    [LibraryImport(System, EntryPoint = "mach_host_self")]
    public static partial uint MachHostSelf();

    /// <summary><c>mach/mach_host.h</c>: 0 on success; <paramref name="count"/> is in <c>integer_t</c>s of four bytes.</summary>
    [LibraryImport(System, EntryPoint = "host_statistics64")]
    public static partial int HostStatistics64(uint host, int flavor, Span<int> info, ref uint count);

    /// <summary><c>libproc.h</c>: 0 on success.</summary>
    [LibraryImport(System, EntryPoint = "proc_pid_rusage")]
    public static partial int ProcPidRusage(int pid, int flavor, Span<byte> buffer);

    /// <summary><c>libproc.h</c>: how many bytes of process ids were written; 0 or less on failure.</summary>
    [LibraryImport(System, EntryPoint = "proc_listpids")]
    public static partial int ProcListPids(uint type, uint typeInfo, Span<int> buffer, int bufferBytes);
}
