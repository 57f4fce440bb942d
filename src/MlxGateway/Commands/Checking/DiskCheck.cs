using MlxGateway.Supervision.Models;

namespace MlxGateway.Commands.Checking;

/// <summary>Whether the gateway can write down what it must remember, and whether another model would find room.</summary>
internal sealed class DiskCheck(IDiskPlace disk, string stateFolder, string modelFolder) : ICheck
{
    private const string Area = "Disk";

    // Logs, history and large uploads in passing.
    private static readonly ByteSize Tight = ByteSize.FromGigabytes(1);
    private static readonly ByteSize Hopeless = ByteSize.FromMegabytes(50);

    // Room for one more model of a middling size.
    private static readonly ByteSize OneModel = ByteSize.FromGigabytes(10);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Finding>> LookAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<Finding>>([State(), Models()]);

    private Finding State()
    {
        if (disk.WhyNotWritable(stateFolder) is { } why)
        {
            return new Finding(Area, Verdict.Problem, $"The state folder {stateFolder} cannot be written to: {why}", Free(stateFolder) is { } left && left < Hopeless ? $"df -h {Quoted(stateFolder)}   (and delete something there)" : $"mkdir -p {Quoted(stateFolder)} && sudo chown -R \"$USER\" {Quoted(stateFolder)}");
        }

        return Free(stateFolder) switch
        {
            { } free when free < Hopeless => new Finding(Area, Verdict.Problem, $"The state folder {stateFolder} has {free} left: logs and uploads will fail.", $"df -h {Quoted(stateFolder)}   (and delete something there)"),
            { } free when free < Tight => new Finding(Area, Verdict.Warning, $"The state folder {stateFolder} has {free} left, which logs and large uploads may use up.", $"df -h {Quoted(stateFolder)}   (and delete something there)"),
            { } free => new Finding(Area, Verdict.Ok, $"the state folder {stateFolder} can be written to; {free} are free"),
            null => new Finding(Area, Verdict.Warning, $"The state folder {stateFolder} can be written to; the system does not say how much is free."),
        };
    }

    private Finding Models() => Free(modelFolder) switch
    {
        { } free when free < OneModel => new Finding(Area, Verdict.Warning, $"The folder of models {modelFolder} has {free} left: a larger model will not find room.", $"du -sh {Quoted(modelFolder)}/* | sort -h   (and delete what is not needed, or set HF_HOME to another disk)"),
        { } free => new Finding(Area, Verdict.Ok, $"the folder of models {modelFolder} has {free} free"),
        null => new Finding(Area, Verdict.Warning, $"The system does not say how much is free for the folder of models {modelFolder}."),
    };

    private ByteSize? Free(string folder)
    {
        try
        {
            return disk.Free(folder);
        }
        catch (Exception silent) when (silent is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return null;
        }
    }

    private static string Quoted(string path) => path.Contains(' ', StringComparison.Ordinal) ? $"'{path}'" : path;
}
