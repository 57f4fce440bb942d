using System.Security.Cryptography;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners;

/// <summary>What one launch of a runner asks of whoever speaks to it, so that nobody on this machine uses it past the gateway: <c>Authorization: Bearer VALUE</c>.</summary>
/// <param name="Variable">How the runner is told: in a variable, because a command line can be read by everybody on the machine.</param>
/// <param name="Value">The secret.</param>
public sealed record LaunchSecret(string Variable, string Value)
{
    /// <summary>The secret of a new launch; where the model's own <c>Env</c> has such a variable, what that says.</summary>
    /// <param name="model">What is launched.</param>
    /// <param name="variable">How the runner is told.</param>
    internal static LaunchSecret For(ModelSpec model, string variable) =>
        new(variable, model.Env.Entries.TryGetValue(variable, out var given) ? RunnerEnvironment.Expand(given) : Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));

    /// <summary>Nothing of it but that there is one.</summary>
    public override string ToString() => $"{Variable} (secret)";
}
