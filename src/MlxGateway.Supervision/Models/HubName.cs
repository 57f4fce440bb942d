namespace MlxGateway.Supervision.Models;

/// <summary>The names by which people know a model of the Hub.</summary>
internal static class HubName
{
    // Ollama's form, and what stands in a browser.
    private static readonly string[] Places = ["https://huggingface.co/", "https://hf.co/", "huggingface.co/", "hf.co/"];

    /// <summary>The most letters that <see cref="Bare"/> takes away in front.</summary>
    public static int LongestPlace { get; } = Places.Max(place => place.Length);

    /// <summary>The name without the address of the Hub in front and a slash behind; any other as it is.</summary>
    public static ReadOnlySpan<char> Bare(ReadOnlySpan<char> name)
    {
        foreach (var place in Places)
        {
            if (name.StartsWith(place, StringComparison.OrdinalIgnoreCase))
            {
                return name[place.Length..].TrimEnd('/');
            }
        }

        return name;
    }

    /// <summary>The further names of models that lie here as GGUF files: <c>REPOSITORY:Q8_0</c>, as llama.cpp and Ollama call one of several files and as it is fetched; and <c>REPOSITORY</c> for the best of several, which had that name until the second came.</summary>
    public static IEnumerable<(string Name, ModelSpec Model)> Further(IEnumerable<ModelSpec> models)
    {
        // What is configured has the name by which its file was found among its aliases.
        var files = models.Where(model => model is { Runner: KindNames.LlamaServer, Path: not null })
            .SelectMany(model => model.Aliases.Prepend(model.Id), (model, name) => (Model: model, Name: name, GgufName.Of(model.Path!).Stem))
            .Select(file => (file.Model, Repository: RepositoryOf(file.Name, file.Stem), Form: GgufQuantisation.Of(file.Stem)))
            .Where(file => file.Repository is not null)
            .OrderBy(file => file.Model.Missing is not null).ThenBy(file => GgufQuantisation.RankOf(file.Form)).ThenBy(file => file.Model.Id, StringComparer.Ordinal);
        foreach (var (model, repository, form) in files)
        {
            yield return (repository!, model);
            if (form is not null)
            {
                yield return ($"{repository}:{form}", model);
            }
        }
    }

    // ORG/NAME, or ORG/NAME/STEM where there are several.
    private static string? RepositoryOf(string id, string stem)
    {
        var repository = id.EndsWith($"/{stem}", StringComparison.Ordinal) && id.Count(letter => letter == '/') == 2 ? id[..^(stem.Length + 1)] : id;
        return HuggingFaceFolder.IsRepositoryId(repository) && repository.Contains('/', StringComparison.Ordinal) ? repository : null;
    }
}
