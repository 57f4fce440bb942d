using System.Runtime.InteropServices;

namespace MlxGateway.DemoRunner;

/// <summary>The load of a model that is none: takes the memory and the time of one.</summary>
internal sealed class Loading(RunnerOptions options, TimeProvider time)
{
    private const int ProgressSteps = 20;
    private volatile bool _ready;

    /// <summary>Whether requests are answered.</summary>
    public bool IsReady => _ready;

    /// <summary>Loads. Does not return if the options say that it is never ready.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            Take(options.MemoryBytes);
        }
        catch (OutOfMemoryException)
        {
            Console.Error.WriteLine($"error: {options.MemoryBytes} bytes are not to be had");
            Environment.Exit(1);
        }

        var steps = options.Progress ? ProgressSteps : 1;
        for (var step = 1; step <= steps; step++)
        {
            await Task.Delay(options.LoadTime / steps, time, cancellationToken);
            if (options.Progress)
            {
                // One line that overwrites itself, as tqdm draws it: carriage returns, no line feed before the end.
                Console.Error.Write($"\rLoading weights: {100 * step / steps,3}%|{new string('█', step / 2),-10}| {step}/{steps}");
            }
        }

        if (options.Progress)
        {
            Console.Error.WriteLine();
        }

        if (options.LoadUntil is { } file)
        {
            await AwaitedFile.IsThereAsync(file, time, cancellationToken);
        }

        if (options.NeverReady)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        }

        _ready = true;
    }

    private static unsafe void Take(long bytes)
    {
        if (bytes == 0)
        {
            return;
        }

        // Memory that is allocated and never touched costs nothing. It is never freed: the process has it until it ends.
        var memory = (byte*)NativeMemory.Alloc((nuint)bytes);
        for (var at = 0L; at < bytes; at += 4096)
        {
            memory[at] = 1;
        }
    }
}
