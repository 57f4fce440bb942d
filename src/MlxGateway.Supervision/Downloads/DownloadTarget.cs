using System.Text.RegularExpressions;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Downloads;

/// <summary>What is to be fetched.</summary>
/// <param name="Repository">The repository of the Hub.</param>
/// <param name="Part">Which of its GGUF files, by quantisation or name; null: the best of them.</param>
/// <param name="Runner">The kind that is to serve it; null: any that is here.</param>
internal sealed partial record DownloadTarget(string Repository, string? Part, string? Runner)
{
    /// <summary>The name of the download: <c>ORG/NAME</c> or <c>ORG/NAME:PART</c>.</summary>
    public string Id => Part is null ? Repository : $"{Repository}:{Part}";

    /// <summary>What a name stands for: a model that is configured or found here, by where it comes from, else a repository of the Hub; null: nothing that could be fetched.</summary>
    public static DownloadTarget? Of(string name, CatalogSnapshot known) =>
        known.Resolve(name) is { Source: { } source } model && IsNamed(model, name) && Parse(source) is { } origin ? origin with { Runner = model.Origin == ModelOrigin.Configured ? model.Runner : null } : Parse(HubName.Bare(name).ToString());

    // A name by which the catalog finds one of several files says which, and the model's source may not.
    private static bool IsNamed(ModelSpec model, string name) => model.Aliases.Prepend(model.Id).Contains(name, StringComparer.OrdinalIgnoreCase);

    // A model of several in one repository is known by the repository's name with the file's behind it.
    private static DownloadTarget? Parse(string text)
    {
        var match = Form().Match(text);
        return match.Success && HuggingFaceFolder.IsRepositoryId(match.Groups["id"].Value) && !text.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase)
            ? new DownloadTarget(match.Groups["id"].Value, match.Groups["part"] is { Success: true, Value: var part } ? part : null, null)
            : null;
    }

    [GeneratedRegex(@"^(?<id>[A-Za-z0-9_][A-Za-z0-9._-]{0,95}/[A-Za-z0-9_][A-Za-z0-9._-]{0,95})([:/](?<part>[A-Za-z0-9._-]{1,150}))?\z")]
    private static partial Regex Form();
}
