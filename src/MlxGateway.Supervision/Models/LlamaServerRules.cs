using Microsoft.Extensions.Configuration;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Models;

/// <summary>What the configuration of a model must not say to <c>llama-server</c>: where it listens, what it loads and when it lets go of it is the gateway's to say, and a runner that does otherwise would not be found, or not counted.</summary>
internal static class LlamaServerRules
{
    private const string Address = "the gateway starts each runner on a port of its own and is the only one to speak to it; the gateway's own address is \"Urls\"";
    private const string File = "the gateway says which model is loaded; name it in \"Source\"";
    private const string Fetch = "what is fetched while it starts is neither counted nor seen; fetch it with \"MlxGateway pull\" or \"hf download\", and name the file";
    private const string Router = "the gateway is the router; write each model as a model of its own, or their folder into \"Discovery:Folders\"";
    private const string Tls = "the gateway speaks to its runners over loopback in clear text; what others reach is the gateway";
    private const string Ends = "it would say something and end, and never serve";

    private static readonly (string Why, LlamaFlag Flag)[] Forbidden =
    [
        (Address, new("LLAMA_ARG_HOST", "--host")),
        (Address, new("LLAMA_ARG_PORT", "--port")),
        (Address, new("LLAMA_ARG_REUSE_PORT", "--reuse-port")),
        ("the gateway asks for the paths of the engine as they are", new("LLAMA_ARG_API_PREFIX", "--api-prefix")),
        (Tls, new("LLAMA_ARG_SSL_KEY_FILE", "--ssl-key-file")),
        (Tls, new("LLAMA_ARG_SSL_CERT_FILE", "--ssl-cert-file")),
        (File, new("LLAMA_ARG_MODEL", "--model", "-m")),
        ("answers would name the model by it; its other names belong in \"Aliases\"", new("LLAMA_ARG_ALIAS", "--alias", "-a")),
        (Fetch, new("LLAMA_ARG_MODEL_URL", "--model-url", "-mu")),
        (Fetch, new("LLAMA_ARG_HF_REPO", "--hf-repo", "-hf", "-hfr")),
        (Fetch, new("LLAMA_ARG_HF_FILE", "--hf-file", "-hff")),
        (Fetch, new("LLAMA_ARG_HF_REPO_V", "--hf-repo-v", "-hfv", "-hfrv")),
        (Fetch, new("LLAMA_ARG_DOCKER_REPO", "--docker-repo", "-dr")),
        (Fetch, new("LLAMA_ARG_MMPROJ_URL", "--mmproj-url", "-mmu")),
        (Fetch, new("LLAMA_ARG_SPEC_DRAFT_HF_REPO", "--spec-draft-hf", "--hf-repo-draft", "-hfd", "-hfrd")),
        (Router, new("LLAMA_ARG_MODELS_DIR", "--models-dir")),
        (Router, new("LLAMA_ARG_MODELS_PRESET", "--models-preset")),
        (Router, new("LLAMA_ARG_MODELS_MAX", "--models-max")),
        (Router, new("LLAMA_ARG_MODELS_AUTOLOAD", "--models-autoload", "--no-models-autoload")),
        ("a runner that gives up its model by itself is still counted with it; write \"IdleTimeout\"", new(null, "--sleep-idle-seconds")),
        (Ends, new(null, "--help", "-h", "--usage")),
        (Ends, new(null, "--version")),
        (Ends, new(null, "--cache-list", "-cl")),
        (Ends, new(null, "--list-devices")),
        (Ends, new(null, "--completion-bash")),
    ];

    // Whole setups that fetch a model: --gpt-oss-20b-default, --fim-qwen-7b-spec.
    private static readonly string[] Presets = ["--embd-", "--fim-", "--gpt-oss-", "--vision-"];

    /// <summary>Reports what must not be said.</summary>
    /// <param name="at">The key of the model.</param>
    /// <param name="model">The model as it is written.</param>
    /// <param name="errors">What is reported goes here.</param>
    public static void Check(string at, ModelOptions model, SettingsErrors errors)
    {
        var words = new LlamaArguments(model.Args, ValueMap.Empty).Words;
        foreach (var (why, flag) in Forbidden)
        {
            if (words.FirstOrDefault(flag.Names.Contains) is { } said)
            {
                errors.Add(ConfigurationPath.Combine(at, nameof(ModelOptions.Args)), $"\"{said}\" cannot be given to llama-server here: {why}.");
            }

            if (flag.Variable is { } variable && model.Env.ContainsKey(variable))
            {
                errors.Add(ConfigurationPath.Combine(at, nameof(ModelOptions.Env), variable), $"cannot be given to llama-server here: {why}.");
            }
        }

        foreach (var preset in words.Where(word => Presets.Any(start => word.StartsWith(start, StringComparison.Ordinal)) && (word.EndsWith("-default", StringComparison.Ordinal) || word.EndsWith("-spec", StringComparison.Ordinal))))
        {
            errors.Add(ConfigurationPath.Combine(at, nameof(ModelOptions.Args)), $"\"{preset}\" cannot be given to llama-server here: {Fetch}.");
        }
    }
}
