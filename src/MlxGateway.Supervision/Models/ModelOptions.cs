using System.ComponentModel.DataAnnotations;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Models;

/// <summary>One entry of <c>MlxGateway:Models</c> as it is written. The key is the model's id.</summary>
public sealed class ModelOptions
{
    /// <summary>A repository id of the Hugging Face cache, a folder, or a file (<c>.gguf</c>).</summary>
    public string? Source { get; set; }

    /// <summary>The runner kind; null: it follows from the source.</summary>
    public string? Runner { get; set; }

    /// <summary>What people are shown in place of its id.</summary>
    public string? Name { get; set; }

    /// <summary>Other names for it.</summary>
    public List<string> Aliases { get; set; } = [];

    /// <summary>The memory it needs, as text with a unit; null: estimated from its files.</summary>
    public ByteSize? Memory { get; set; }

    /// <summary>The most tokens of one conversation; null: what its files say, or less if that would not fit.</summary>
    [Range(256, 100_000_000)]
    public int? Context { get; set; }

    /// <summary>What becomes of a conversation that is longer than the context: <c>compact</c>, <c>refuse</c> or <c>off</c>.</summary>
    public ContextOverflow ContextOverflow { get; set; }

    /// <summary>How it writes tool calls that its engine leaves in the text: <c>auto</c> (by the engine and the chat template), <c>native</c> (the engine reads them), <c>gemma</c>, <c>hermes</c>, <c>llama3</c> or <c>mistral</c>.</summary>
    public ToolFormat ToolFormat { get; set; }

    /// <summary>Arguments put behind the kind's own.</summary>
    public List<string> Args { get; set; } = [];

    /// <summary>Environment variables; <c>${NAME}</c> expands from the gateway's own.</summary>
    public Dictionary<string, string> Env { get; set; } = [];

    /// <summary>The runner's working directory.</summary>
    public string? WorkingDirectory { get; set; }

    /// <summary>The command line of a <c>command</c> runner, one argument an entry; one of them names <c>{port}</c>.</summary>
    public List<string> Command { get; set; } = [];

    /// <summary>What a <c>command</c> runner must answer with a 2xx.</summary>
    public string ReadyPath { get; set; } = "/v1/models";

    /// <summary>The <c>model</c> value that the runner is sent.</summary>
    public string? UpstreamModel { get; set; }

    /// <summary>Requests at once; 0: as many as the engine takes.</summary>
    [Range(0, 10_000)]
    public int MaxConcurrency { get; set; }

    /// <summary>How long it may go unused; zero: never unloaded; null: <c>Residency:IdleTimeout</c>.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "365.00:00:00")]
    public TimeSpan? IdleTimeout { get; set; }

    /// <summary>Never evicted, never idles out, does not count toward <c>MaxResident</c>.</summary>
    public bool Pinned { get; set; }

    /// <summary>Models of a lower number are evicted first; 0 where nothing is said.</summary>
    [Range(-1000, 1000)]
    public int Priority { get; set; }

    /// <summary>A name: models of one group are never in memory together.</summary>
    public string? Group { get; set; }

    /// <summary>The ids of models that it is never in memory together with.</summary>
    public List<string> ExclusiveWith { get; set; } = [];

    /// <summary>Whether it is loaded when the gateway starts, as far as there is room.</summary>
    public bool Preload { get; set; }

    /// <summary>Whether a request for it fetches it from the Hub where it is not on the disk; null: as <c>Discovery:Download</c> says.</summary>
    public bool? Download { get; set; }

    /// <summary>Fields of a request and the values that they have where a client says nothing of them.</summary>
    public Dictionary<string, JsonText> Defaults { get; set; } = [];

    /// <summary>Fields of a request and the values that they have whatever a client says.</summary>
    public Dictionary<string, JsonText> Forced { get; set; } = [];

    /// <summary>Fields that are taken out of a request.</summary>
    public List<string> Forbidden { get; set; } = [];

    /// <summary>What a conversation begins with that has no instructions of its own.</summary>
    public string? SystemPrompt { get; set; }

    /// <summary>How people are shown that it is being loaded.</summary>
    public WaitingStyle Progress { get; set; }

    /// <summary>The hosts that serve a <c>mlx_lm</c> model together; null: this machine alone.</summary>
    public DistributedOptions? Distributed { get; set; }

    /// <summary>What only <c>mlc_llm</c> knows; null: nothing is said of it.</summary>
    public MlcOptions? Mlc { get; set; }
}

/// <summary><c>MlxGateway:Discovery</c>: where models are looked for.</summary>
public sealed class DiscoveryOptions
{
    /// <summary>Whether the Hugging Face cache is looked through.</summary>
    public bool HuggingFaceCache { get; set; } = true;

    /// <summary>Whether the folders of LM Studio are looked through.</summary>
    public bool LmStudio { get; set; } = true;

    /// <summary>Whether the folders of Ollama are looked through.</summary>
    public bool Ollama { get; set; } = true;

    /// <summary>Whether a request for a model of the Hub that is not on the disk fetches it.</summary>
    public bool Download { get; set; }

    /// <summary>Further folders of models.</summary>
    public List<string> Folders { get; set; } = [];
}
