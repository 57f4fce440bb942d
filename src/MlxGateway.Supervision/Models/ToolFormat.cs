namespace MlxGateway.Supervision.Models;

/// <summary>How a model writes its tool calls, where its engine leaves them in the text.</summary>
public enum ToolFormat
{
    /// <summary>What follows from the engine and the model's chat template.</summary>
    Auto,

    /// <summary>The engine reads them; the text is left alone.</summary>
    Native,

    /// <summary>Calls of Python in a block of <c>tool_code</c>, as Gemma 3 writes them.</summary>
    Gemma,

    /// <summary>JSON between <c>&lt;tool_call&gt;</c> and <c>&lt;/tool_call&gt;</c>, as Hermes and Qwen write it.</summary>
    Hermes,

    /// <summary>A message that is JSON with <c>name</c> and <c>parameters</c>, as Llama 3.1 and later write it.</summary>
    Llama3,

    /// <summary>JSON behind <c>[TOOL_CALLS]</c>, as Mistral writes it.</summary>
    Mistral,
}
