using System.Globalization;

namespace MlxGateway.Supervision.Models;

/// <summary>What a model's section <c>Mlc</c> says, with its paths made absolute. Immutable, compared by value. What is null is left to the engine.</summary>
public sealed record MlcSettings
{
    /// <summary>Everything is left to the engine.</summary>
    public static MlcSettings None { get; } = new();

    /// <summary>What it computes on; null: the first that it finds.</summary>
    public string? Device { get; init; }

    /// <summary>The file of the compiled model; null: the engine compiles it.</summary>
    public string? ModelLib { get; init; }

    /// <summary>For how many requests at once it makes room.</summary>
    public MlcMode Mode { get; init; }

    /// <summary>Whether the engine has routes for looking into it.</summary>
    public bool EnableDebug { get; init; }

    /// <summary>Whether it records when what happened.</summary>
    public bool EnableTracing { get; init; }

    /// <summary>Requests that are worked on at once.</summary>
    public int? MaxNumSequence { get; init; }

    /// <summary>Tokens that its cache holds.</summary>
    public int? MaxTotalSequenceLength { get; init; }

    /// <summary>Tokens of prompts that are read at once.</summary>
    public int? PrefillChunkSize { get; init; }

    /// <summary>States that a recurrent model can go back by.</summary>
    public int? MaxHistorySize { get; init; }

    /// <summary>The part of the device's memory that it may use.</summary>
    public double? GpuMemoryUtilization { get; init; }

    /// <summary>Tokens that are guessed ahead.</summary>
    public int? SpecDraftLength { get; init; }

    /// <summary>Requests that are over whose tokens are kept.</summary>
    public int? PrefixCacheMaxNumRecyclingSeqs { get; init; }

    /// <summary>How it guesses ahead.</summary>
    public MlcSpeculation SpeculativeMode { get; init; }

    /// <summary>Whether it keeps what it has read.</summary>
    public MlcPrefixCache PrefixCacheMode { get; init; }

    /// <summary>How it reads long prompts.</summary>
    public MlcPrefill PrefillMode { get; init; }

    /// <summary>Further models: each a path, or what the engine finds in its own cache, with the file of the compiled model behind a comma where there is one.</summary>
    public ValueList<string> AdditionalModels { get; init; } = [];

    /// <summary>The bytes of the further models' files, as far as they are known.</summary>
    public ByteSize AdditionalBytes { get; init; }

    /// <summary>What the engine's own settings are overridden with, by the engine's names, in a fixed order; those that are null are not said.</summary>
    public IEnumerable<(string Name, string Value)> Overrides() => new (string Name, IFormattable? Value)[]
    {
        ("max_num_sequence", MaxNumSequence),
        ("max_total_seq_length", MaxTotalSequenceLength),
        ("prefill_chunk_size", PrefillChunkSize),
        ("max_history_size", MaxHistorySize),
        ("gpu_memory_utilization", GpuMemoryUtilization),
        ("spec_draft_length", SpecDraftLength),
        ("prefix_cache_max_num_recycling_seqs", PrefixCacheMaxNumRecyclingSeqs),
    }.Where(one => one.Value is not null).Select(one => (one.Name, one.Value!.ToString(null, CultureInfo.InvariantCulture)));

    /// <summary>What is written, with the paths as <paramref name="path"/> and <paramref name="further"/> make them; null where all of it is as it is by default.</summary>
    internal static MlcSettings? Of(MlcOptions? written, Func<string, string> path, Func<string, (string Text, ByteSize Bytes)> further)
    {
        if (written is null)
        {
            return null;
        }

        var additional = written.AdditionalModels.Select(further).ToList();
        var settings = new MlcSettings
        {
            Device = written.Device is { } device && !device.Equals("auto", StringComparison.OrdinalIgnoreCase) ? device : null,
            ModelLib = written.ModelLib is { Length: > 0 } library ? path(library) : null,
            Mode = written.Mode,
            EnableDebug = written.EnableDebug,
            EnableTracing = written.EnableTracing,
            MaxNumSequence = written.MaxNumSequence,
            MaxTotalSequenceLength = written.MaxTotalSequenceLength,
            PrefillChunkSize = written.PrefillChunkSize,
            MaxHistorySize = written.MaxHistorySize,
            GpuMemoryUtilization = written.GpuMemoryUtilization,
            SpecDraftLength = written.SpecDraftLength,
            PrefixCacheMaxNumRecyclingSeqs = written.PrefixCacheMaxNumRecyclingSeqs,
            SpeculativeMode = written.SpeculativeMode,
            PrefixCacheMode = written.PrefixCacheMode,
            PrefillMode = written.PrefillMode,
            AdditionalModels = ValueList.From(additional.Select(one => one.Text)),
            AdditionalBytes = additional.Aggregate(ByteSize.Zero, (sum, one) => sum + one.Bytes),
        };
        return settings == None ? null : settings;
    }
}
