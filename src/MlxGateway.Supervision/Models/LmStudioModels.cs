using System.Text.Json;

namespace MlxGateway.Supervision.Models;

/// <summary>The models that LM Studio has fetched: <c>PUBLISHER/REPOSITORY</c> below its folder, with GGUF files or a model in MLX form in it.</summary>
internal sealed class LmStudioModels(FactsCache facts) : IModelSource
{
    private const long LargestSettings = 4 << 20;
    private const int MostModels = 2000;

    /// <summary>The folders that LM Studio keeps models in by its settings and its habits, whether they are there or not.</summary>
    public static IEnumerable<string> Folders(ModelSettings settings)
    {
        // A pointer says where its folder is if somebody has moved it; the last was its place in older versions.
        var homes = new[] { Disk.Text(At("~/.lmstudio-home-pointer"), 4096)?.Trim(), "~/.lmstudio", "~/.cache/lm-studio" }.OfType<string>().Select(At).ToList();
        return homes.Select(home => Chosen(Path.Combine(home, "settings.json"))).OfType<string>().Select(At)
            .Concat(homes.Select(home => Path.Combine(home, "models")))
            .Where(folder => folder.Length > 0)
            .Distinct(StringComparer.Ordinal);

        string At(string text) => PathText.Absolute(text, settings) ?? "";
    }

    /// <inheritdoc/>
    public IReadOnlyList<ModelSpec> Read(ModelSettings settings) => settings.Discovery.LmStudio
        ? [.. Folders(settings).Where(Disk.IsFolder).SelectMany(folder => In(folder, settings))]
        : [];

    private IReadOnlyList<ModelSpec> In(string folder, ModelSettings settings)
    {
        var root = Disk.Real(folder) ?? folder;
        var repositories = FoundModel.In(root, FolderModels.Depth).Take(MostModels).GroupBy(model => Repository(root, model), StringComparer.Ordinal).ToList();
        return Bounded.SelectMany(repositories, repository =>
        {
            var models = repository.ToList();
            var advice = repository.Key.Contains('/', StringComparison.Ordinal) ? $" Fetch it with: lms get {repository.Key}" : "";
            return models.Select(model => model.Spec(models.Count == 1 && repository.Key.Length > 0 ? repository.Key : $"{repository.Key}/{model.Name}".TrimStart('/'), advice, facts, settings));
        });
    }

    // What lies in a folder by itself is called after it, as by the Hub that most come from.
    private static string Repository(string root, FoundModel model)
    {
        var parts = Path.GetRelativePath(root, model.IsFolder ? model.Path : model.Folder).Split('/');
        return parts is ["."] or [".."] or ["..", ..] ? "" : string.Join('/', parts.Take(2));
    }

    private static string? Chosen(string file)
    {
        if (Disk.Text(file, LargestSettings) is not { } text)
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(text);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("downloadsFolder", out var folder) && folder.ValueKind == JsonValueKind.String ? folder.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter: a text with half a surrogate pair
        {
            return null;
        }
    }
}
