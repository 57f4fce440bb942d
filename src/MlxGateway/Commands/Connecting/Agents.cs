using System.Globalization;
using System.Text.Json.Nodes;

namespace MlxGateway.Commands.Connecting;

/// <summary>Agents of the terminal. None of them asks the gateway for the context: each must be told.</summary>
internal static class Agents
{
    /// <summary>Without <c>limit</c> it asks for answers of 32,000 tokens and knows no end of the context; without the two time limits it gives up after five minutes.</summary>
    public static ClientSettings OpenCode(Connection c) => new()
    {
        Files =
        [
            new("opencode.json", SettingsFormat.Json, JsonText.Of(new JsonObject
            {
                ["$schema"] = "https://opencode.ai/config.json",
                ["model"] = $"mlxgateway/{c.Model}",
                ["small_model"] = $"mlxgateway/{c.Model}",
                ["provider"] = new JsonObject
                {
                    ["mlxgateway"] = new JsonObject
                    {
                        ["npm"] = "@ai-sdk/openai-compatible",
                        ["name"] = "MlxGateway",
                        ["options"] = new JsonObject { ["baseURL"] = c.V1, ["apiKey"] = c.Key, ["headerTimeout"] = Connection.PatienceMilliseconds, ["chunkTimeout"] = Connection.PatienceMilliseconds },
                        ["models"] = new JsonObject { [c.Model] = new JsonObject { ["name"] = c.Model, ["limit"] = new JsonObject { ["context"] = c.Context, ["output"] = c.Output } } },
                    },
                },
            })),
        ],
        Steps = ["The file is that of a project; ~/.config/opencode/opencode.json holds for all."],
        Start = "opencode",
    };

    /// <summary>It speaks the Responses API only; its own warning "Model metadata not found" stays.</summary>
    public static ClientSettings Codex(Connection c) => new()
    {
        Files =
        [
            new("~/.codex/config.toml", SettingsFormat.Toml, $"""
                model = {Connection.Quoted(c.Model)}
                model_provider = "mlxgateway"
                model_context_window = {Number(c.Context)}
                web_search = "disabled"

                [model_providers.mlxgateway]
                name = "MlxGateway"
                base_url = {Connection.Quoted(c.V1)}
                wire_api = "responses"
                env_key = "MLXGATEWAY_API_KEY"
                stream_idle_timeout_ms = {Number(Connection.PatienceMilliseconds)}
                """),
        ],
        Variables = [("MLXGATEWAY_API_KEY", c.Key)],
        Start = "codex",
    };

    /// <summary>Without a context it takes the window for a million tokens.</summary>
    public static ClientSettings ClaudeCode(Connection c)
    {
        (string Name, string Value)[] variables =
        [
            ("ANTHROPIC_BASE_URL", c.Base),
            ("ANTHROPIC_AUTH_TOKEN", c.Key),
            ("ANTHROPIC_MODEL", c.Model),
            ("ANTHROPIC_DEFAULT_HAIKU_MODEL", c.Model),
            ("CLAUDE_CODE_MAX_CONTEXT_TOKENS", Number(c.Context)),
            ("CLAUDE_CODE_MAX_OUTPUT_TOKENS", Number(c.Output)),
            ("API_TIMEOUT_MS", Number(Connection.PatienceMilliseconds)),
            ("CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS", Number(Connection.PatienceMilliseconds)),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
        ];
        return new()
        {
            Files = [new("~/.claude/settings.json", SettingsFormat.Json, JsonText.Of(new JsonObject { ["env"] = new JsonObject(variables.Select(static v => KeyValuePair.Create<string, JsonNode?>(v.Name, v.Value))) }))],
            Variables = variables,
            Steps = ["The variables hold for one window; the file holds for every session of Claude Code."],
            Start = "claude",
        };
    }

    /// <summary>Its patience for a first byte is two minutes, and for a pause four, unless it is told otherwise. Its memory is a second prompt after every turn.</summary>
    public static ClientSettings QwenCode(Connection c) => new()
    {
        Files =
        [
            new("~/.qwen/settings.json", SettingsFormat.Json, JsonText.Of(new JsonObject
            {
                ["model"] = new JsonObject
                {
                    ["generationConfig"] = new JsonObject { ["timeout"] = Connection.PatienceMilliseconds, ["streamIdleTimeoutMs"] = Connection.PatienceMilliseconds, ["contextWindowSize"] = c.Context },
                },
                ["memory"] = new JsonObject { ["enableManagedAutoMemory"] = false },
            })),
        ],
        Variables = [("OPENAI_BASE_URL", c.V1), ("OPENAI_API_KEY", c.Key), ("OPENAI_MODEL", c.Model)],
        Start = "qwen --auth-type openai",
    };

    /// <summary>Without the file it takes the context for 0 tokens.</summary>
    public static ClientSettings Aider(Connection c) => new()
    {
        Files =
        [
            new("~/.aider.model.metadata.json", SettingsFormat.Json, JsonText.Of(new JsonObject
            {
                [$"openai/{c.Model}"] = new JsonObject { ["max_input_tokens"] = c.Context, ["max_output_tokens"] = c.Output, ["litellm_provider"] = "openai", ["mode"] = "chat" },
            })),
        ],
        Variables = [("OPENAI_API_BASE", c.V1), ("OPENAI_API_KEY", c.Key)],
        Start = $"aider --model {Shell.Word($"openai/{c.Model}")} --timeout {Number(Connection.PatienceSeconds)}",
    };

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
