using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>Where the gateway knows a model from.</summary>
public enum ModelOrigin
{
    /// <summary>An entry of <c>MlxGateway:Models</c>.</summary>
    Configured,

    /// <summary>Found on disk by a scan.</summary>
    Discovered,

    /// <summary>Served by the demonstration runner because there is no real model.</summary>
    Demonstration,
}

/// <summary>A model the gateway may serve, exactly as configured or discovered. Immutable; compared by value, so that a reload can tell what changed.</summary>
public sealed record ModelSpec
{
    /// <summary>The name clients send in the <c>model</c> field. Unique in the catalog.</summary>
    public required string Id { get; init; }

    /// <summary>What the runner loads: a repository id of the Hugging Face cache, a folder or a file, as it was written. Null for a command that knows by itself.</summary>
    public string? Source { get; init; }

    /// <summary>The absolute path that <see cref="Source"/> stands for on this machine; null if there is none or it is not here.</summary>
    public string? Path { get; init; }

    /// <summary>The kind that serves it: <c>llama_server</c>, <c>command</c>, <c>demo</c>, …</summary>
    public required string Runner { get; init; }

    /// <summary>Where the gateway knows it from.</summary>
    public ModelOrigin Origin { get; init; }

    /// <summary>What people are shown in place of its id; null: what the gateway makes of the id.</summary>
    public string? Name { get; init; }

    /// <summary>Other names that clients may use. Each is unique in the catalog.</summary>
    public ValueList<string> Aliases { get; init; } = [];

    /// <summary>The memory it needs, if somebody configured it; otherwise it is estimated.</summary>
    public ByteSize? Memory { get; init; }

    /// <summary>The bytes of its files; null where they are unknown or missing.</summary>
    public ByteSize? FileBytes { get; init; }

    /// <summary>What its files say of it; null where there are none that can be read.</summary>
    public ModelFacts? Facts { get; init; }

    /// <summary>The most tokens of one conversation, if somebody configured it; otherwise what its files say, as far as it fits.</summary>
    public int? Context { get; init; }

    /// <summary>What becomes of a conversation that is longer than that.</summary>
    public ContextOverflow ContextOverflow { get; init; }

    /// <summary>How it writes tool calls that its engine leaves in the text.</summary>
    public ToolFormat ToolFormat { get; init; }

    /// <summary>What it may be sent through its runner: some of <see cref="Modality"/>, text first.</summary>
    public ValueList<string> Modalities { get; init; } = Modality.TextAlone;

    /// <summary>The absolute path of the GGUF file through which <c>llama_server</c> gives it images (<c>--mmproj</c>); null if there is none.</summary>
    public string? Projector { get; init; }

    /// <summary>What the file of <see cref="Projector"/> says; null if there is none.</summary>
    public ModelFacts? ProjectorFacts { get; init; }

    /// <summary>The files that its <c>Args</c> name beside its own: adapters, a draft, a projector.</summary>
    public ValueList<AttachedFile> Attached { get; init; } = [];

    /// <summary>Why it cannot be launched from what is on disk, in words for a person and with the command that fetches it; null when its files are complete or it needs none.</summary>
    public string? Missing { get; init; }

    /// <summary>Arguments put behind the kind's own.</summary>
    public ValueList<string> Args { get; init; } = [];

    /// <summary>Environment variables added to the runner's; <c>${NAME}</c> stands for the gateway's own variable.</summary>
    public ValueMap Env { get; init; } = ValueMap.Empty;

    /// <summary>The runner's working directory; null: the gateway's own.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>The command line of a <c>command</c> runner; <c>{port}</c>, <c>{source}</c>, <c>{path}</c> and <c>{model}</c> are replaced in each argument.</summary>
    public ValueList<string> Command { get; init; } = [];

    /// <summary>The path that a <c>command</c> runner answers with a 2xx once it is ready.</summary>
    public string ReadyPath { get; init; } = "/v1/models";

    /// <summary>The <c>model</c> value the runner is sent; null: what the kind says.</summary>
    public string? UpstreamModel { get; init; }

    /// <summary>How many requests may be with the runner at once; 0: as many as the engine takes.</summary>
    public int MaxConcurrency { get; init; }

    /// <summary>How long it may go unused before it is unloaded; zero: never; null: the general setting.</summary>
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>A pinned model is never evicted and never idles out, and does not count toward <c>MaxResident</c>.</summary>
    public bool Pinned { get; init; }

    /// <summary>Models of a lower number leave before those of a higher one, whatever else speaks for them.</summary>
    public int Priority { get; init; }

    /// <summary>The name of a group of models that are never in memory together; null: it is in none.</summary>
    public string? Group { get; init; }

    /// <summary>The ids of models that it is never in memory together with.</summary>
    public ValueList<string> ExclusiveWith { get; init; } = [];

    /// <summary>Whether it is loaded when the gateway starts, as far as there is room.</summary>
    public bool Preload { get; init; }

    /// <summary>Whether a request for it fetches it where it is not on the disk.</summary>
    [JsonIgnore]
    public bool Download { get; init; }

    /// <summary>What becomes of the fields of its requests.</summary>
    public RequestFields Fields { get; init; } = RequestFields.None;

    /// <summary>How people are shown that it is being loaded.</summary>
    public WaitingStyle Progress { get; init; }

    /// <summary>The hosts that serve it together; null: this machine alone.</summary>
    public DistributedSpec? Distributed { get; init; }

    /// <summary>What was configured for <c>mlc_llm</c> alone; null: nothing.</summary>
    public MlcSettings? Mlc { get; init; }

    /// <summary>Whether a runner of this specification serves the other one as well: everything that it was launched with is the same. Names, and when it may leave, are not.</summary>
    public bool LaunchesLike(ModelSpec other) => Launched == other.Launched;

    /// <summary>The same text for two specifications of which <see cref="LaunchesLike"/> holds, and different ones for others, also between two runs of the gateway. A hash, because values of variables may be secret.</summary>
    [JsonIgnore]
    public string LaunchFingerprint => Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(Launched, ModelSpecJson.Default.ModelSpec)));

    private ModelSpec Launched => this with
    {
        Origin = default,
        Name = null,
        Aliases = [],
        Fields = RequestFields.None,
        Missing = null,
        Facts = new ModelFacts { Use = Facts?.Use ?? ModelUse.Chat },
        ProjectorFacts = null,
        Attached = ValueList.From(Attached.Select(file => file with { Facts = null, Fault = null })),
        Modalities = Modality.TextAlone,
        ContextOverflow = default,
        ToolFormat = default,
        MaxConcurrency = 0,
        IdleTimeout = null,
        Pinned = false,
        Priority = 0,
        Group = null,
        ExclusiveWith = [],
        Preload = false,
        Download = false,
        Progress = default,
    };
}
