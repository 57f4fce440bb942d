namespace MlxGateway.Supervision.Models;

/// <summary>How a model writes its tool calls, where its engine leaves them in the text.</summary>
public enum ToolFormat
{
    /// <summary>The engine reads them; the text is left alone.</summary>
    Native,

    /// <summary>JSON between <c>&lt;tool_call&gt;</c> and <c>&lt;/tool_call&gt;</c>, as Hermes and Qwen write it.</summary>
    Hermes,
}
