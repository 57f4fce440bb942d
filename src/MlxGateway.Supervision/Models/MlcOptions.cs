using System.ComponentModel.DataAnnotations;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Models;

/// <summary>For how many requests at once <c>mlc_llm</c> makes room.</summary>
public enum MlcMode
{
    /// <summary>A few: four at once, and 8192 tokens for all of them.</summary>
    Local,

    /// <summary>One, of the model's full length.</summary>
    Interactive,

    /// <summary>As many as the device has memory for.</summary>
    Server,
}

/// <summary>How <c>mlc_llm</c> guesses tokens ahead. All but the first need a further model.</summary>
public enum MlcSpeculation
{
    /// <summary>It does not.</summary>
    Disable,

    /// <summary>A small model proposes.</summary>
    SmallDraft,

    /// <summary>A head of the kind that is called EAGLE.</summary>
    Eagle,

    /// <summary>Heads of the kind that are called Medusa.</summary>
    Medusa,
}

/// <summary>Whether <c>mlc_llm</c> keeps what it has read for the next request that begins alike.</summary>
public enum MlcPrefixCache
{
    /// <summary>In a tree of what requests have in common.</summary>
    Radix,

    /// <summary>Not at all.</summary>
    Disable,
}

/// <summary>How <c>mlc_llm</c> reads long prompts.</summary>
public enum MlcPrefill
{
    /// <summary>While it answers others.</summary>
    Hybrid,

    /// <summary>Piece by piece, in between.</summary>
    Chunked,
}

/// <summary><c>MlxGateway:Models:ID:Mlc</c>: what only <c>mlc_llm</c> knows. What is null is left to the engine.</summary>
public sealed class MlcOptions
{
    /// <summary>What it computes on, as the engine writes it: <c>metal</c>, <c>cuda:1</c>; <c>auto</c> (null): the first that it finds.</summary>
    [AutoIsNull]
    public string? Device { get; set; }

    /// <summary>The file of the compiled model; null: the engine compiles it at the first launch and keeps it in its own cache.</summary>
    public string? ModelLib { get; set; }

    /// <summary>For how many requests at once it makes room.</summary>
    public MlcMode Mode { get; set; }

    /// <summary>Whether the engine has routes for looking into it, and obeys <c>debug_config</c> of requests.</summary>
    public bool EnableDebug { get; set; }

    /// <summary>Whether it records when what happened to each request.</summary>
    public bool EnableTracing { get; set; }

    /// <summary>Requests that are worked on at once.</summary>
    [Range(1, 10_000)]
    public int? MaxNumSequence { get; set; }

    /// <summary>Tokens that its cache holds, of all requests together.</summary>
    [Range(1, 100_000_000)]
    public int? MaxTotalSequenceLength { get; set; }

    /// <summary>Tokens of prompts that are read at once.</summary>
    [Range(1, 1_000_000)]
    public int? PrefillChunkSize { get; set; }

    /// <summary>States that a recurrent model can go back by.</summary>
    [Range(0, 1_000_000)]
    public int? MaxHistorySize { get; set; }

    /// <summary>The part of the device's memory that it may use, between 0 and 1.</summary>
    [Range(0.01, 0.99)]
    public double? GpuMemoryUtilization { get; set; }

    /// <summary>Tokens that are guessed ahead; 0: the engine adapts it.</summary>
    [Range(0, 1000)]
    public int? SpecDraftLength { get; set; }

    /// <summary>Requests that are over whose tokens are kept; 0: none, −1: as many as there is room for.</summary>
    [Range(-1, 1_000_000)]
    public int? PrefixCacheMaxNumRecyclingSeqs { get; set; }

    /// <summary>How it guesses ahead: <c>disable</c>, <c>small_draft</c>, <c>eagle</c> or <c>medusa</c>.</summary>
    public MlcSpeculation SpeculativeMode { get; set; }

    /// <summary>Whether it keeps what it has read: <c>radix</c> or <c>disable</c>.</summary>
    public MlcPrefixCache PrefixCacheMode { get; set; }

    /// <summary>How it reads long prompts: <c>hybrid</c> or <c>chunked</c>.</summary>
    public MlcPrefill PrefillMode { get; set; }

    /// <summary>Further models, those that guess ahead: each a folder or repository, with the file of the compiled model behind a comma where there is one.</summary>
    public List<string> AdditionalModels { get; set; } = [];
}
