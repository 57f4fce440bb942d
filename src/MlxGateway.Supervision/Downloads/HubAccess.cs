using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Downloads;

/// <summary>Where the Hub is and who the gateway is to it, as the tools of the Hub have it from the environment.</summary>
/// <param name="options">May name the address.</param>
/// <param name="variable">Looks up a variable of the environment.</param>
internal sealed class HubAccess(DownloadOptions options, Func<string, string?> variable)
{
    // What says how to reach the Hub, and would be taken for a secret that is nobody's business.
    private static readonly string[] Own = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH", "HF_HUB_DISABLE_IMPLICIT_TOKEN"];

    /// <summary>The address of the Hub, without a slash at its end.</summary>
    public string Endpoint => (options.Endpoint?.AbsoluteUri ?? Set("HF_ENDPOINT") ?? "https://huggingface.co").TrimEnd('/');

    /// <summary>The token of the environment; null: none is set.</summary>
    public string? Token => Set("HF_TOKEN") ?? Set("HUGGING_FACE_HUB_TOKEN");

    /// <summary>The environment of a process that speaks to the Hub: the gateway's own without secrets, but with the token.</summary>
    public Dictionary<string, string> Environment()
    {
        var all = RunnerEnvironment.Cleaned();
        foreach (var name in Own)
        {
            if (Set(name) is { } value)
            {
                all[name] = value;
            }
        }

        all["HF_ENDPOINT"] = Endpoint;
        return all;
    }

    /// <summary>A sentence without the token and whatever else looks like a secret in it.</summary>
    public string Clean(string sentence) => SecretFilter.Clean(sentence, Token is { Length: >= 6 } token ? [token] : []);

    private string? Set(string name) => variable(name) is { Length: > 0 } value ? value.Trim() : null;
}
