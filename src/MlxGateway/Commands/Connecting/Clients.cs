namespace MlxGateway.Commands.Connecting;

/// <summary>The clients that are known. Sizes of first messages are those that were seen on the wire.</summary>
internal static class Clients
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<Client> All { get; } =
    [
        new("open-webui", "Open WebUI", ChatPages.OpenWebUi) { Aliases = ["openwebui", "webui"], FirstMessage = 6000, Comfortable = 16384 },
        new("opencode", "opencode", Agents.OpenCode) { FirstMessage = 7000, Comfortable = 16384 },
        new("codex", "Codex", Agents.Codex) { FirstMessage = 8200, Comfortable = 16384 },
        new("claude-code", "Claude Code", Agents.ClaudeCode) { Aliases = ["claude"], FirstMessage = 11400, Comfortable = 32768 },
        new("qwen-code", "Qwen Code", Agents.QwenCode) { Aliases = ["qwen"], FirstMessage = 17000, Comfortable = 32768 },
        new("aider", "aider", Agents.Aider) { FirstMessage = 600, Comfortable = 8192 },
        new("continue", "Continue", Editors.Continue) { Aliases = ["cn"], FirstMessage = 1300, Comfortable = 8192 },
        new("cline", "Cline", Editors.Cline) { Comfortable = 32768, IsTried = false },
        new("zed", "Zed", Editors.Zed) { Comfortable = 16384, IsTried = false },
        new("llm", "llm", ChatPages.Llm) { FirstMessage = 0 },
        new("python", "OpenAI's library for Python", Libraries.Python) { Aliases = ["openai-python"], FirstMessage = 0 },
        new("node", "OpenAI's library for Node", Libraries.Node) { Aliases = ["openai-node", "javascript"], FirstMessage = 0 },
        new("dotnet", "OpenAI's library for .NET", Libraries.DotNet) { Aliases = ["openai-dotnet", "csharp"], FirstMessage = 0 },
    ];

    /// <summary>The one of that name, or null.</summary>
    public static Client? Find(string name)
    {
        var plain = Plain(name);
        return All.FirstOrDefault(c => c.Aliases.Prepend(c.Name).Any(known => Plain(known) == plain));
    }

    private static string Plain(string name) => string.Concat(name.Where(char.IsAsciiLetterOrDigit)).ToUpperInvariant();
}
