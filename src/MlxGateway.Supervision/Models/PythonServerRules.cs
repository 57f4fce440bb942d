using Microsoft.Extensions.Configuration;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Models;

/// <summary>What the configuration of a model must not say to an engine that is a Python module: with another port the runner is waited for until the launch times out, and a model beside its own is loaded and not counted.</summary>
internal static class PythonServerRules
{
    private const string Address = "the gateway starts each runner on a port of its own and is the only one to speak to it; the gateway's own address is \"Urls\"";
    private const string Model = "the gateway says which model is loaded, and counts that one; name it in \"Source\", and any other as a model of its own";

    private static readonly (string Why, string[] Kinds, string[] Flags)[] Forbidden =
    [
        (Address, [KindNames.MlxLm, KindNames.MlxVlm, KindNames.MlcLlm], ["--host", "--port"]),
        (Model, [KindNames.MlxLm, KindNames.MlxVlm], ["--model"]),
        (Model, [KindNames.MlxVlm], ["--image-model", "--tts-model", "--stt-model", "--embedding-model", "--reranker-model"]),
        (Model, [KindNames.MlcLlm], ["--embedding-model", "--embedding-model-lib"]),
        ("it would start the runner anew when a file changes, behind the gateway's back", [KindNames.MlxVlm], ["--reload"]),
        ("it takes a key on its command line only, where everybody on the machine can read it, so the gateway says none; keys of the gateway's own clients are \"Access:Keys\"", [KindNames.MlcLlm], ["--api-key"]),
    ];

    /// <summary>Reports what must not be said.</summary>
    /// <param name="at">The key of the model.</param>
    /// <param name="model">The model as it is written.</param>
    /// <param name="kind">The kind that serves it.</param>
    /// <param name="errors">What is reported goes here.</param>
    public static void Check(string at, ModelOptions model, string kind, SettingsErrors errors)
    {
        var said = new EngineArguments(model.Args);
        foreach (var (why, _, flags) in Forbidden.Where(rule => rule.Kinds.Contains(kind)))
        {
            foreach (var flag in flags.Where(flag => said.Has(flag)))
            {
                errors.Add(ConfigurationPath.Combine(at, nameof(ModelOptions.Args)), $"\"{flag}\" cannot be given to {kind} here: {why}.");
            }
        }
    }
}
