namespace MlxGateway.DemoRunner;

/// <summary>The shapes of an error body, as the real engines have them.</summary>
internal enum ErrorShape
{
    /// <summary><c>{"error":{"message","type","param","code"}}</c>.</summary>
    OpenAI,

    /// <summary><c>{"error":"text"}</c>.</summary>
    Text,

    /// <summary><c>{"detail":"text"}</c>.</summary>
    Detail,

    /// <summary>A web page.</summary>
    Html,
}

/// <summary>How one completion is answered: what is said, how fast, and what goes wrong on the way.</summary>
internal sealed record AnswerPlan
{
    /// <summary>What is said; <c>{model}</c> stands for the runner's model id.</summary>
    public string Say { get; init; } = "Hello from {model}. This is a demonstration, not a language model: it says the same whatever it is asked.";

    /// <summary>How many words are said, the text repeated as needed; null: the text once.</summary>
    public int? Tokens { get; init; }

    /// <summary>The time before each word.</summary>
    public TimeSpan TokenDelay { get; init; }

    /// <summary>The silence before the first byte.</summary>
    public TimeSpan Prefill { get; init; }

    /// <summary>Whether that silence is work: a processor is busy all the while.</summary>
    public bool Busy { get; init; }

    /// <summary>Whether it never stops by itself.</summary>
    public bool Endless { get; init; }

    /// <summary>Whether a request with tools is answered by a call of the first one.</summary>
    public bool ToolCall { get; init; }

    /// <summary>After how many chunks the process kills itself.</summary>
    public int? DieAfter { get; init; }

    /// <summary>After how many chunks the answer ends as if it were whole, and the connection with it.</summary>
    public int? CutAfter { get; init; }

    /// <summary>After how many chunks the connection is reset.</summary>
    public int? ResetAfter { get; init; }

    /// <summary>Whether the connection is reset behind a streamed answer, before the end of its body.</summary>
    public bool ResetAtEnd { get; init; }

    /// <summary>After how many chunks nothing more comes.</summary>
    public int? HangAfter { get; init; }

    /// <summary>After how many chunks nothing more comes, for this request or any other.</summary>
    public int? FreezeAfter { get; init; }

    /// <summary>Whether the end of the answer is the end of the connection, as in HTTP/1.0.</summary>
    public bool CloseDelimited { get; init; }

    /// <summary>Whether the connection is closed behind a streamed answer that did not announce it.</summary>
    public bool CloseAfterStream { get; init; }

    /// <summary>The error status that is answered instead of a completion.</summary>
    public int? Status { get; init; }

    /// <summary>The shape of error bodies.</summary>
    public ErrorShape ErrorShape { get; init; }

    /// <summary>Whether the answer needs more of the connection than a well-behaved HTTP server lets one do.</summary>
    public bool NeedsRawWire(bool stream) =>
        DieAfter is not null || CutAfter is not null || ResetAfter is not null || CloseDelimited || (stream && (CloseAfterStream || ResetAtEnd));

    /// <summary>What goes wrong once this many chunks are out.</summary>
    public Fault FaultAfter(int chunks) =>
        chunks == DieAfter ? Fault.Die
        : chunks == ResetAfter ? Fault.Reset
        : chunks == CutAfter ? Fault.Cut
        : chunks == FreezeAfter ? Fault.Freeze
        : chunks == HangAfter ? Fault.Hang
        : Fault.None;
}

/// <summary>What can go wrong in the middle of an answer.</summary>
internal enum Fault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The process is gone.</summary>
    Die,

    /// <summary>The connection is reset.</summary>
    Reset,

    /// <summary>The answer ends cleanly although it is not whole.</summary>
    Cut,

    /// <summary>Nothing more comes, and the connection stays open.</summary>
    Hang,

    /// <summary>Nothing is answered any more, neither this request nor those that follow, though connections are still accepted.</summary>
    Freeze,
}
