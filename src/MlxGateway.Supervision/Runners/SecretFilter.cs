using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Runners;

/// <summary>Takes out of a runner's lines what looks like a secret, before they become part of an error or a log.</summary>
internal static partial class SecretFilter
{
    /// <summary>The line with every secret replaced by <c>***</c>.</summary>
    /// <param name="line">A line that a runner wrote.</param>
    /// <param name="known">Values that are secret whatever they look like: those of a model's own variables with telling names.</param>
    public static string Clean(string line, IEnumerable<string> known)
    {
        // The longest first: one may begin with another, and its rest would stay.
        foreach (var secret in known.OrderByDescending(s => s.Length))
        {
            line = line.Replace(secret, "***", StringComparison.Ordinal);
        }

        return Telling().Replace(line, m => m.Groups["keep"].Value + "***");
    }

    /// <summary>The values of variables whose names say that they are secret.</summary>
    public static IReadOnlyList<string> SecretsOf(IEnumerable<KeyValuePair<string, string>> variables) =>
        [.. variables.Where(v => v.Value.Length >= 6 && TellingName().IsMatch(v.Key)).Select(v => v.Value)];

    [GeneratedRegex(@"(?<keep>(authorization|proxy-authorization)\s*[:=]\s*(bearer|basic)?\s*)\S+|(?<keep>bearer\s+)\S+|(?<keep>(--?[\w-]*)?(api[-_]?key|token|secret|password)[""']?\s*[=:]\s*[""']?)[^\s""',]+|(?<keep>--[\w-]*(api-key|token|secret|password)\s+)\S+|\b(hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,})|(?<keep>://[^\s/:@]+:)[^\s/@]+(?=@)", RegexOptions.IgnoreCase)]
    private static partial Regex Telling();

    [GeneratedRegex("KEY|TOKEN|SECRET|PASSW|CREDENTIAL", RegexOptions.IgnoreCase)]
    private static partial Regex TellingName();
}
