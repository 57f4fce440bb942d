namespace MlxGateway.DemoRunner;

/// <summary>What the command line asks of the process.</summary>
internal sealed record RunnerOptions
{
    /// <summary>The port on 127.0.0.1; 0: a free one, which the first line of standard output names.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>The model id that <c>/v1/models</c> lists and the default text names.</summary>
    public string Model { get; init; } = "demo";

    /// <summary>The memory that it allocates and touches.</summary>
    public long MemoryBytes { get; init; }

    /// <summary>How long it answers 503 before it is ready.</summary>
    public TimeSpan LoadTime { get; init; }

    /// <summary>The file without which it is not ready, however long that takes; null: it waits for none.</summary>
    public string? LoadUntil { get; init; }

    /// <summary>The file without which no completion is answered, however long that takes; null: it waits for none.</summary>
    public string? AnswerUntil { get; init; }

    /// <summary>Whether the port opens only once it is ready.</summary>
    public bool ListenLate { get; init; }

    /// <summary>Whether it stays at 503 for ever.</summary>
    public bool NeverReady { get; init; }

    /// <summary>The exit code with which it gives up once it has loaded.</summary>
    public int? ExitAtStart { get; init; }

    /// <summary>Whether SIGTERM has no effect.</summary>
    public bool IgnoreSigterm { get; init; }

    /// <summary>Whether SIGTERM waits for the answers under way.</summary>
    public bool FinishOnSigterm { get; init; }

    /// <summary>Whether standard error is written to without end.</summary>
    public bool FloodStderr { get; init; }

    /// <summary>Whether the load draws a progress bar on standard error.</summary>
    public bool Progress { get; init; }

    /// <summary>Whether it has a child process that sleeps.</summary>
    public bool SpawnChild { get; init; }

    /// <summary>Whether it has a grandchild that left its session and group.</summary>
    public bool SpawnEscaped { get; init; }

    /// <summary>Whether connections are accepted and never answered.</summary>
    public bool HangAccept { get; init; }

    /// <summary>The bearer key that every request under <c>/v1</c> must carry.</summary>
    public string? RequireKey { get; init; }

    /// <summary>How completions are answered unless a request asks for something else.</summary>
    public AnswerPlan Answer { get; init; } = new();
}
