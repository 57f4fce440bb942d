namespace MlxGateway.Supervision.Memory;

/// <summary>Where the kernel tells what this process's control group may use.</summary>
/// <param name="Folder">The group's own folder.</param>
/// <param name="Top">The topmost folder that can be seen; groups above it have no say that could be read.</param>
/// <param name="IsVersion2">Whether its files are those of version 2.</param>
internal sealed record CgroupFolder(string Folder, string Top, bool IsVersion2)
{
    /// <summary>The group's folder and all above it, up to the top.</summary>
    public IEnumerable<string> Upward()
    {
        for (var folder = Folder; folder.Length > Top.Length; folder = folder[..folder.LastIndexOf('/')])
        {
            yield return folder;
        }

        yield return Top;
    }

    /// <summary>Finds the group by <c>/proc/self/cgroup</c> and <c>/proc/self/mountinfo</c>; null if memory is not controlled.</summary>
    /// <remarks>A machine may have both versions mounted. Memory is then with version 1, if that has a line for it.</remarks>
    public static CgroupFolder? Find(string cgroup, string mountinfo)
    {
        var mounts = mountinfo.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(Mount.Parse).OfType<Mount>().ToList();
        var lines = cgroup.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(':', 3)).Where(parts => parts.Length == 3).ToList();
        if (lines.Find(parts => parts[1].Split(',').Contains("memory")) is { } first)
        {
            return mounts.Find(mount => mount.Type == "cgroup" && mount.Options.Split(',').Contains("memory"))?.Locate(first[2], isVersion2: false);
        }

        return lines.Find(parts => parts[0] == "0" && parts[1].Length == 0) is { } second
            ? mounts.Find(mount => mount.Type == "cgroup2")?.Locate(second[2], isVersion2: true)
            : null;
    }

    private sealed record Mount(string Root, string Point, string Type, string Options)
    {
        /// <summary>Reads a line <c>36 35 98:0 ROOT POINT rw shared:1 - TYPE SOURCE OPTIONS</c>.</summary>
        public static Mount? Parse(string line)
        {
            var halves = line.Split(" - ", 2);
            var left = halves[0].Split(' ');
            var right = halves.Length == 2 ? halves[1].Split(' ') : [];
            return left.Length >= 5 && right.Length >= 3 ? new Mount(Unescape(left[3]), Unescape(left[4]).TrimEnd('/'), right[0], right[2]) : null;
        }

        public CgroupFolder Locate(string group, bool isVersion2)
        {
            // In a container the mount may begin at the group itself, or the group may lie outside of what is mounted; then the mount's top is all there is.
            var root = Root.TrimEnd('/');
            var isBelow = group == root || group.StartsWith(root + "/", StringComparison.Ordinal);
            var rest = isBelow && !group.Contains("/..", StringComparison.Ordinal) ? group[root.Length..].TrimEnd('/') : "";
            return new CgroupFolder(Point + rest, Point, isVersion2);
        }

        private static string Unescape(string text) => text.Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal);
    }
}
