namespace MlxGateway.Commands.Connecting;

/// <summary>Programs that people chat in.</summary>
internal static class ChatPages
{
    /// <summary>It learns the models by itself; a header tells the gateway which requests are nobody's, so that people do not wait behind titles.</summary>
    public static ClientSettings OpenWebUi(Connection c) => new()
    {
        Variables =
        [
            ("OPENAI_API_BASE_URL", c.V1),
            ("OPENAI_API_KEY", c.Key),
            ("OPENAI_API_CONFIGS", """{"0":{"headers":{"X-Task":"{{TASK}}","X-Chat":"{{CHAT_ID}}"}}}"""),
        ],
        Steps =
        [
            "Or in its settings: Admin Panel → Settings → Connections → OpenAI API → +",
            $"URL: {c.V1}; Key: {c.Key}; Provider: llama.cpp (then its pages load and unload models, with a key of the scope admin)",
            """Headers: {"X-Task":"{{TASK}}","X-Chat":"{{CHAT_ID}}"}""",
            "In a container 127.0.0.1 is the container itself: write host.docker.internal, and see to it that the gateway may be reached from there.",
            "It has no time limits as delivered; where AIOHTTP_CLIENT_TIMEOUT is set, set it to 1800 or more.",
        ],
        Start = "open-webui serve",
    };

    /// <summary>Without <c>api_key_name</c> it sends a dummy key; the name is one of its own key store.</summary>
    public static ClientSettings Llm(Connection c) => new()
    {
        Files =
        [
            new(OperatingSystem.IsMacOS() ? "~/Library/Application Support/io.datasette.llm/extra-openai-models.yaml" : "~/.config/io.datasette.llm/extra-openai-models.yaml", SettingsFormat.YamlList, $"""
                - model_id: {Connection.Quoted(c.Model)}
                  model_name: {Connection.Quoted(c.Model)}
                  api_base: {Connection.Quoted(c.V1)}
                  supports_tools: true{(c.Key == Connection.AnyKey ? "" : "\n  api_key_name: mlxgateway")}
                """),
        ],
        Steps = c.Key == Connection.AnyKey ? [] : [$"llm keys set mlxgateway --value {Shell.Word(c.Key)}"],
        Start = $"llm -m {Shell.Word(c.Model)} 'Hello'",
    };
}
