using MlxGateway.Supervision.Models;

namespace MlxGateway.ToolCalls;

/// <summary>How a family of models is told of functions, writes its calls and is told of their results.</summary>
internal interface IToolForm
{
    /// <summary>Whether its chat templates refuse a message of several calls, although it writes such ones.</summary>
    bool TemplatesRefuseSeveralCalls => false;

    /// <summary>A reader of its calls.</summary>
    ICallReader NewReader(ToolSet tools);

    /// <summary>What a model is told of the functions, where its chat template does not tell it.</summary>
    string Describe(ToolSet tools);

    /// <summary>Calls as the model would have written them.</summary>
    string WriteCalls(IReadOnlyList<FoundCall> calls);

    /// <summary>The result of a call as the model is told of it, in a message of the user's.</summary>
    /// <param name="name">The function, if it is known.</param>
    /// <param name="result">What it said.</param>
    string WriteResult(string? name, string result);
}

/// <summary>The forms by their names.</summary>
internal static class ToolForms
{
    private static readonly GemmaForm Gemma = new();
    private static readonly HermesForm Hermes = new();
    private static readonly Llama3Form Llama3 = new();
    private static readonly MistralForm Mistral = new();

    /// <summary>The form of that name; null: the engine reads the calls.</summary>
    public static IToolForm? Of(ToolFormat format) => format switch
    {
        ToolFormat.Gemma => Gemma,
        ToolFormat.Hermes => Hermes,
        ToolFormat.Llama3 => Llama3,
        ToolFormat.Mistral => Mistral,
        _ => null,
    };
}
