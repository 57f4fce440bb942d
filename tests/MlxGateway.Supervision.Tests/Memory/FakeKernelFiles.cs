using MlxGateway.Supervision.Memory;

namespace MlxGateway.Supervision.Tests.Memory;

/// <summary>The kernel's files as a test wants them.</summary>
internal sealed class FakeKernelFiles : IKernelFiles
{
    private readonly Dictionary<string, string> _texts = [];

    public string this[string path]
    {
        set => _texts[path] = value;
    }

    public List<string> Reads { get; } = [];

    public string? Read(string path)
    {
        Reads.Add(path);
        return _texts.GetValueOrDefault(path);
    }

    public IReadOnlyList<int> Processes() => [.. _texts.Keys.Select(path => path.Split('/')).Where(parts => parts is ["", "proc", _, "stat"]).Select(parts => int.Parse(parts[2], null))];

    public FakeKernelFiles WithMachine(long totalMegabytes, long availableMegabytes)
    {
        this["/proc/meminfo"] = $"MemTotal:       {totalMegabytes << 10} kB\nMemFree:          102944 kB\nMemAvailable:   {availableMegabytes << 10} kB\nBuffers:               0 kB\n";
        return this;
    }

    public FakeKernelFiles WithProcess(int pid, int parent, int group, string name, long? anonymous = null, long shared = 0, string? status = null)
    {
        this[$"/proc/{pid}/stat"] = $"{pid} ({name}) S {parent} {group} {group} 0 -1 4194304 112 0 0 0 0 0\n";
        if (anonymous is { } kilobytes)
        {
            this[$"/proc/{pid}/smaps_rollup"] = $"55a65d0d6000-7ffdaf738000 ---p 00000000 00:00 0     [rollup]\nRss:  9999999 kB\nPss:  9999999 kB\nPss_Anon:   {kilobytes} kB\nPss_File:   8888888 kB\nPss_Shmem:   {shared} kB\n";
        }

        if (status is not null)
        {
            this[$"/proc/{pid}/status"] = status;
        }

        return this;
    }
}
