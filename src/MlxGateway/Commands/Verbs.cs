using MlxGateway.Commands.Chatting;
using MlxGateway.Commands.Checking;
using MlxGateway.Commands.Connecting;
using MlxGateway.Commands.Installing;
using MlxGateway.Commands.Steering;
using MlxGateway.Commands.Watching;

namespace MlxGateway.Commands;

/// <summary>All verbs, in the order in which the help page lists them.</summary>
internal static class Verbs
{
    private const string Serving = "Serve";
    private const string Looking = "Look";
    private const string Using = "Use";
    private const string Fetching = "Fetch";
    private const string Setting = "Set up";

    /// <summary>Each once.</summary>
    public static IReadOnlyList<Verb> All { get; } =
    [
        new("serve", Serving, "serve", "Serves; the same as without a verb", ServeVerb.Build) { Examples = ["serve --port 8080 --model qwen", "serve --config ~/gateway.json --MlxGateway:Residency:MaxResident 0"] },
        new("mcp", Serving, "mcp", "Serves agents over standard input and output, with the running gateway or one that it starts", McpVerb.Build) { Examples = ["mcp"] },

        new("ps", Looking, "ps", "Lists the models in memory", PsVerb.Build) { Examples = ["ps", "ps --json | jq -r '.running[].model'"] },
        new("models", Looking, "models", "Lists all models, and whether each fits into memory now", ModelsVerb.Build) { Examples = ["models", "models --url http://mac.local:1234"] },
        new("show", Looking, "show ID", "Says all that is known of a model, and what it takes", ShowVerb.Build) { Examples = ["show qwen"] },
        new("explain", Looking, "explain [ID]", "Says who is in memory, who waits for what and why, and what will happen next", ExplainVerb.Build) { Examples = ["explain", "explain qwen"] },
        new("requests", Looking, "requests", "Lists the requests that are being served", RequestsVerb.Build) { Examples = ["requests"] },
        new("logs", Looking, "logs [ID] [-f]", "Shows the gateway's log, or what a model's runner wrote", LogsVerb.Build) { Examples = ["logs -f", "logs qwen -n 50"] },

        new("run", Using, "run ID [PROMPT]", "Chats with a model, or answers one prompt", RunVerb.Build) { Examples = ["run qwen", "run qwen 'Why is the sky blue?'", "git diff | MlxGateway run coder 'Write a commit message for this.'"] },
        new("load", Using, "load ID", "Loads a model and waits until it is ready", LoadVerb.Build) { Examples = ["load qwen"] },
        new("unload", Using, "unload [ID]", "Unloads a model, or all, and waits until their memory is free", UnloadVerb.Build) { Examples = ["unload qwen", "unload --all"] },
        new("cancel", Using, "cancel REQUEST", "Calls a request off", CancelVerb.Build) { Examples = ["cancel req_5f1c"] },

        new("search", Fetching, "search TEXT", "Looks for models on the hub, and says which run here", SearchVerb.Build) { Examples = ["search qwen3 coder"] },
        new("pull", Fetching, "pull ID", "Downloads a model; it goes on if you leave", PullVerb.Build) { Examples = ["pull mlx-community/gemma-3-4b-it-4bit", "pull mlx-community/gemma-3-4b-it-4bit --cancel"] },

        new("doctor", Setting, "doctor", "Checks engines, Python, memory, ports, disk and configuration, and says how to mend what is wrong", DoctorVerb.Build) { Examples = ["doctor", "doctor --json"] },
        new("config", Setting, "config check", "Checks the configuration without starting", ConfigVerb.Build) { Examples = ["config check --config gateway.json", "config show", "config reload"] },
        new("connect", Setting, "connect CLIENT", "Prints, or writes, the settings that a client needs", ConnectVerb.Build) { Examples = ["connect", "connect opencode --model qwen", "connect codex --write"] },
        new("service", Setting, "service install", "Starts the gateway at login, by launchd or systemd", ServiceVerb.Build) { Examples = ["service install --dry-run", "service install --config ~/gateway.json", "service status", "service uninstall"] },
        new("completion", Setting, "completion SHELL", "Prints what makes bash, zsh or fish complete these commands", CompletionVerb.Build) { Examples = ["completion bash >> ~/.bashrc", "completion zsh >> ~/.zshrc", "completion fish > ~/.config/fish/completions/MlxGateway.fish"] },
    ];
}
