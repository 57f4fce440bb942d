using System.Text.RegularExpressions;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Admin.Router;

/// <summary>Says how a model is fetched that is not here.</summary>
internal static partial class FetchAdvice
{
    /// <summary>Sentences with the command, where the name is one that the Hub could know.</summary>
    /// <param name="name">The name as the client wrote it: <c>ORG/NAME</c>, as llama.cpp writes it with <c>:QUANTISATION</c> behind it.</param>
    /// <param name="known">The models that are known; the files of one may be missing.</param>
    public static string For(string name, CatalogSnapshot known)
    {
        const string Nobody = "This gateway fetches no models.";
        if (known.Resolve(name)?.Missing is { } missing)
        {
            return $"{Nobody} {missing}";
        }

        // Whoever copies the command runs it: nothing but the characters of such names gets into it.
        var match = Repository().Match(name);
        return !match.Success ? $"{Nobody} Put its files into the Hugging Face cache or a folder of Discovery:Folders; it is found there without a restart."
            : match.Groups["part"] is { Success: true, Value: var part } ? $"{Nobody} It is found without a restart once you have run: hf download {match.Groups["id"].Value} --include '*{part}*'"
            : $"{Nobody} It is found without a restart once you have run: hf download {match.Groups["id"].Value}";
    }

    [GeneratedRegex(@"^(?<id>[A-Za-z0-9_][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95})(:(?<part>[A-Za-z0-9._-]{1,40}))?\z")]
    private static partial Regex Repository();
}
