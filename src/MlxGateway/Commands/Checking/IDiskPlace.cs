using MlxGateway.Supervision.Models;

namespace MlxGateway.Commands.Checking;

/// <summary>The disk, as far as it is checked. A seam: a full one is hard to come by.</summary>
internal interface IDiskPlace
{
    /// <summary>How much is free where a folder is, or would be.</summary>
    ByteSize Free(string folder);

    /// <summary>Makes the folder, if it is not there, and writes into it. What was written is gone afterwards.</summary>
    /// <returns>Why it cannot; null: it can.</returns>
    string? WhyNotWritable(string folder);
}

/// <summary>The disk of this machine.</summary>
internal sealed class MachineDisk : IDiskPlace
{
    private const int Trial = 64 * 1024;

    /// <inheritdoc/>
    public ByteSize Free(string folder)
    {
        var there = folder;
        while (!Directory.Exists(there) && Path.GetDirectoryName(there) is { Length: > 0 } above)
        {
            there = above;
        }

        return new ByteSize(new DriveInfo(there).AvailableFreeSpace);
    }

    /// <inheritdoc/>
    public string? WhyNotWritable(string folder)
    {
        var trial = Path.Combine(folder, $".doctor-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(folder);
            using var file = new FileStream(trial, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, Options = FileOptions.DeleteOnClose });
            file.Write(new byte[Trial]);
            file.Flush(flushToDisk: true);
            return null;
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            return refused.Message;
        }
    }
}
