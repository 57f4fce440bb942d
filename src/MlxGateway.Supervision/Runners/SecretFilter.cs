using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Runners;

/// <summary>Takes out of a runner's lines what looks like a secret, before they become part of an error, a log or an answer.</summary>
public static partial class SecretFilter
{
    // With what names speak of the tokens of a text. Whoever may own a token (user, client, access, api, hub) is not among them, nor is what a token may be for.
    private static readonly FrozenSet<string> AboutText = FrozenSet.ToFrozenSet(
    [
        "token", "tokens", "tokenize", "tokenizer", "tokenization", "detokenize", "maxtokens", "ntokens", "numtokens",
        "max", "min", "n", "num", "number", "count", "total", "limit", "budget", "size", "length", "len", "delay", "rate", "per", "second", "seconds", "step", "chunk", "batch", "batched", "mode",
        "new", "prompt", "completion", "input", "output", "generated", "generation", "predict", "predicted", "prefill", "decode", "draft", "drafted", "speculative", "thinking", "think", "reasoning",
        "context", "ctx", "cache", "cached", "keep", "image", "audio", "video", "vision", "text",
    ]);

    // What a name ends with that stands for a secret, beside what is telling wherever it stands: DB_PASS, BASIC_AUTH, SESSION_COOKIE. PWD by itself is a folder, DB_PWD is not.
    private static readonly FrozenSet<string> LastWords = FrozenSet.ToFrozenSet(["pass", "passphrase", "passcode", "auth", "authorization", "cookie", "cookies", "jwt", "bearer"]);
    private static readonly FrozenSet<string> LastWordsOfSeveral = FrozenSet.ToFrozenSet(["pwd", "pat"]);

    private const string Header = @"(?<keep>authorization[""']?\s*[:=]\s*[""']?((bearer|basic)\s+)?)[^\s""',]+|(?<keep>bearer\s+)[^\s""',]+";

    private const string Assignment = @"(?<keep>(api[-_]?key|access[-_]?key|private[-_]?key|secret[\w-]*|passw(or)?d)[""']?\s*[=:]\s*[""']?)[^\s""',]+";

    // A short number is a token of a model and not one of a user: engines list them when they load.
    private const string Token = @"(?<keep>token[""']?\s*[=:]\s*[""']?)(?!\d{1,9}([\s,]|$))[^\s""',]+";

    private const string Switch = @"(?<keep>--[\w-]*(api-key|token|secret|password)\s+)\S+";

    private const string Shape = @"\b(hf_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|AIza[\w-]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,})|(?<keep>://[^\s/:@]*:)[^\s/]+(?=@)";

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

    /// <summary>
    /// Whether a name says that what it stands for is secret: <c>HF_TOKEN</c>, <c>--api-key</c>. Of names with a token in them only those are none of which every other word is about the tokens of a text:
    /// <c>--max-tokens</c>, <c>token_delay</c>. In doubt it is secret.
    /// </summary>
    public static bool IsTelling(string name) =>
        TellingName().IsMatch(name) || (name.Contains("token", StringComparison.OrdinalIgnoreCase) && !IsAboutText(name)) || EndsTelling(name);

    /// <summary>The values of variables whose names say that they are secret.</summary>
    public static IReadOnlyList<string> SecretsOf(IEnumerable<KeyValuePair<string, string>> variables) =>
        [.. variables.Where(v => v.Value.Length >= 6 && IsTelling(v.Key)).Select(v => v.Value)];

    [GeneratedRegex($"{Header}|{Assignment}|{Token}|{Switch}|{Shape}", RegexOptions.IgnoreCase)]
    private static partial Regex Telling();

    // A single token at the end stands for itself, and that may be anybody's: HF_TOKEN, --max-token.
    private static bool IsAboutText(string name)
    {
        var words = WordsOf(name);
        return words.All(AboutText.Contains) && words[^1] != "token";
    }

    private static bool EndsTelling(string name) => WordsOf(name) is { Count: var count and > 0 } words && (LastWords.Contains(words[^1]) || (count > 1 && LastWordsOfSeveral.Contains(words[^1])));

    private static List<string> WordsOf(string name) => [.. Word().Matches(name).Select(static m => m.Value.ToLowerInvariant())];

    [GeneratedRegex("KEY|SECRET|PASSW|CREDENTIAL", RegexOptions.IgnoreCase)]
    private static partial Regex TellingName();

    // Words of snake_case, of --switches, of camelCase and of CAPITALS.
    [GeneratedRegex("[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")]
    private static partial Regex Word();
}
