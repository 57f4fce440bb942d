using System.Collections;
using System.Text.RegularExpressions;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners;

/// <summary>The environment that runners get: the gateway's own without its settings and without anybody's secrets.</summary>
internal static partial class RunnerEnvironment
{
    /// <summary>The gateway's environment, cleaned.</summary>
    public static Dictionary<string, string> Cleaned() => Environment.GetEnvironmentVariables()
        .Cast<DictionaryEntry>()
        .Select(e => ((string)e.Key, (string?)e.Value ?? ""))
        .Where(e => !Unwanted().IsMatch(e.Item1))
        .ToDictionary(e => e.Item1, e => e.Item2, StringComparer.Ordinal);

    /// <summary>The cleaned environment with a kind's and a model's own variables on top. In the model's, <c>${NAME}</c> stands for the gateway's own variable, also for one that was cleaned away: who writes it means it.</summary>
    /// <param name="kind">The kind's own.</param>
    /// <param name="model">The model's own.</param>
    /// <param name="secret">What the launch asks of whoever speaks to it; null: nothing.</param>
    public static Dictionary<string, string> For(IReadOnlyDictionary<string, string> kind, IReadOnlyDictionary<string, string> model, LaunchSecret? secret = null)
    {
        var all = Cleaned();
        foreach (var (name, value) in kind)
        {
            all[name] = value;
        }

        foreach (var (name, value) in model)
        {
            all[name] = Expand(value);
        }

        if (secret is not null)
        {
            all[secret.Variable] = secret.Value;
        }

        return all;
    }

    /// <summary>The launch's secret, and the secret values of a model's own variables as the runner gets them: what is configured may be only <c>${NAME}</c>.</summary>
    public static IReadOnlyList<string> SecretsOf(ModelSpec model, LaunchSecret? secret)
    {
        var own = SecretFilter.SecretsOf(model.Env.Entries.Select(e => KeyValuePair.Create(e.Key, Expand(e.Value))));
        return secret is null ? own : [.. own, secret.Value];
    }

    /// <summary>Replaces each <c>${NAME}</c> by the gateway's own variable; one that is not set becomes nothing.</summary>
    public static string Expand(string value) => VariableText.Expand(value);

    // The server's own address and settings would bind a .NET runner to the gateway's port; a key meant for another service, which is what the headers for a collector are, is not the runner's business.
    [GeneratedRegex("^(MLXGATEWAY_|MlxGateway__|OTEL_|ASPNETCORE_|DOTNET_(URLS|ENVIRONMENT|HOSTBUILDER)|Logging__|Kestrel__|URLS$|Serilog__|LLAMA_SERVER_ROUTER_|LLAMA_API_KEY|LLAMA_ARG_(API_PREFIX|SSL_|MODELS?(_|$)|HF_|DOCKER_|MMPROJ_URL|SPEC_DRAFT_HF_|HOST$|PORT$|REUSE_PORT|ALIAS))|(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?|API_?KEY|ACCESS_KEY|PRIVATE_KEY)S?(_|$)|PASSWORD|PASSWD", RegexOptions.IgnoreCase)]
    private static partial Regex Unwanted();
}
