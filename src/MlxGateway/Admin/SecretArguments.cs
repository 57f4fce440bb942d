using MlxGateway.Supervision.Runners;

namespace MlxGateway.Admin;

/// <summary>Takes the secrets out of a command line that is to be shown.</summary>
internal static class SecretArguments
{
    private const string Mask = "***";

    /// <summary>The arguments, each one that is a secret, or the value of a switch with a telling name, replaced.</summary>
    /// <param name="arguments">One entry each.</param>
    /// <param name="known">What is secret whatever it looks like.</param>
    public static IReadOnlyList<string> Masked(IReadOnlyList<string> arguments, IReadOnlyList<string> known)
    {
        var shown = new List<string>(arguments.Count);
        var isValue = false;
        foreach (var argument in arguments)
        {
            var end = argument.StartsWith('-') ? argument.IndexOf('=', StringComparison.Ordinal) : -1;
            shown.Add(isValue && !argument.StartsWith("--", StringComparison.Ordinal) ? Mask
                : end > 0 && SecretFilter.IsTelling(argument[..end]) ? string.Concat(argument.AsSpan(0, end + 1), Mask)
                : SecretFilter.Clean(argument, known));
            isValue = end < 0 && argument.StartsWith('-') && SecretFilter.IsTelling(argument);
        }

        return shown;
    }
}
