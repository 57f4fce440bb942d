using System.Globalization;
using System.Text.Json.Nodes;

namespace MlxGateway.Commands.Connecting;

/// <summary>Editors, and what lives in them.</summary>
internal static class Editors
{
    /// <summary>Its settings are YAML.</summary>
    public static ClientSettings Continue(Connection c) => new()
    {
        Files =
        [
            new("~/.continue/config.yaml", SettingsFormat.YamlModels, $$"""
                name: local
                version: 0.0.1
                schema: v1
                models:
                  - name: {{Connection.Quoted(c.Model)}}
                    provider: openai
                    model: {{Connection.Quoted(c.Model)}}
                    apiBase: {{Connection.Quoted(c.V1)}}
                    apiKey: {{Connection.Quoted(c.Key)}}
                    roles: [chat, edit, apply]
                    defaultCompletionOptions: {contextLength: {{Number(c.Context)}}, maxTokens: {{Number(c.Output)}}}
                """),
        ],
        Steps = ["Continue in the editor reads this file by itself; cn takes it with --config ~/.continue/config.yaml."],
    };

    /// <summary>Its settings are behind its page and in no file.</summary>
    public static ClientSettings Cline(Connection c) => new()
    {
        Steps =
        [
            "Settings (the cog of Cline) → API Provider: OpenAI Compatible",
            $"Base URL: {c.V1}",
            $"OpenAI Compatible API Key: {c.Key}",
            $"Model ID: {c.Model}",
            $"Model Configuration → Context Window Size: {Number(c.Context)}; Max Output Tokens: {Number(c.Output)}",
        ],
    };

    /// <summary>The key is taken from the environment, by the provider's name.</summary>
    public static ClientSettings Zed(Connection c) => new()
    {
        Files =
        [
            new("~/.config/zed/settings.json", SettingsFormat.Json, JsonText.Of(new JsonObject
            {
                ["agent"] = new JsonObject { ["default_model"] = new JsonObject { ["provider"] = "MlxGateway", ["model"] = c.Model } },
                ["language_models"] = new JsonObject
                {
                    ["openai_compatible"] = new JsonObject
                    {
                        ["MlxGateway"] = new JsonObject
                        {
                            ["api_url"] = c.V1,
                            ["available_models"] = new JsonArray(new JsonObject
                            {
                                ["name"] = c.Model,
                                ["display_name"] = c.Model,
                                ["max_tokens"] = c.Context,
                                ["max_output_tokens"] = c.Output,
                                ["capabilities"] = new JsonObject { ["tools"] = true, ["images"] = false, ["parallel_tool_calls"] = false, ["prompt_cache_key"] = false },
                            }),
                        },
                    },
                },
            })),
        ],
        Variables = [("MLXGATEWAY_API_KEY", c.Key)],
        Start = "zed",
    };

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
