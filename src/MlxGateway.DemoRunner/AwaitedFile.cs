namespace MlxGateway.DemoRunner;

/// <summary>A file by which somebody outside lets something go on that is held back for it.</summary>
internal static class AwaitedFile
{
    // Looked for, not watched: a watch costs more than a look, misses what happened before it was set, and is different on each system.
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(10);

    /// <summary>Completes once the file is there.</summary>
    public static async Task IsThereAsync(string file, TimeProvider time, CancellationToken cancellationToken)
    {
        while (!File.Exists(file))
        {
            await Task.Delay(Glance, time, cancellationToken);
        }
    }
}
