using System.ComponentModel;

namespace MlxGateway.Mcp.Tools;

/// <summary>No arguments.</summary>
internal sealed record NoInput;

/// <summary>A port.</summary>
internal sealed record PortInput([property: Description("The port of the server, from 1 to 65535.")] int Port);

/// <summary>What is to be served where.</summary>
internal sealed record LaunchInput(
    [property: Description("The model: an id or alias of list_models, or a repository of the Hugging Face Hub such as mlx-community/Qwen3-4B-4bit, which is downloaded first.")] string ModelName,
    [property: Description("The port of this machine on which it is to be served, from 1 to 65535.")] int Port,
    [property: Description("How many gigabytes must be free, or be freed by idle models, before it is launched.")] double MemoryRequirementGb = 4.0);

/// <summary>What is to be launched anew.</summary>
internal sealed record RestartInput(
    [property: Description("The port of the server.")] int Port,
    [property: Description("Another model for this port; left out: the same one.")] string? ModelName = null,
    [property: Description("How many gigabytes must be free, or be freed by idle models and by its present model; left out: 4.0.")] double? MemoryRequirementGb = null);

/// <summary>What to look for.</summary>
internal sealed record SearchInput(
    [property: Description("What the name or the description should contain: qwen3 coder, gemma vision.")] string SearchQuery,
    [property: Description("How many at most, 1 to 100.")] int Limit = 10);

/// <summary>For what a model is wanted.</summary>
internal sealed record RecommendInput(
    [property: Description("What it is for: chat, code or vision.")] string Task = "chat",
    [property: Description("How many to name of those on disk, and of those to download; 1 to 20.")] int Limit = 5);

/// <summary>What to fetch.</summary>
internal sealed record DownloadInput([property: Description("A repository of the Hugging Face Hub, ORG/NAME; or a model of list_models whose files are missing.")] string ModelName);

/// <summary>A model.</summary>
internal sealed record ModelInput([property: Description("The model: an id or alias of list_models.")] string ModelName);

/// <summary>A model, or all of them.</summary>
internal sealed record OptionalModelInput([property: Description("The model: an id or alias of list_models; left out: every model that is in memory.")] string? ModelName = null);
