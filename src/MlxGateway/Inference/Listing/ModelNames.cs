using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference.Listing;

/// <summary>Names for people. What somebody wrote into the configuration stays as it is; a repository or a file is called by its own name, without owner, folders and ending.</summary>
internal static class ModelNames
{
    /// <summary>The names of the models, by their ids. Never empty; where two would be called the same, both are called by their ids.</summary>
    public static Dictionary<string, string> Of(IReadOnlyList<ModelSpec> models)
    {
        var names = models.ToDictionary(m => m.Id, Short, StringComparer.Ordinal);
        var taken = names.Values.GroupBy(n => n, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1).Select(g => g.Key).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return names.ToDictionary(n => n.Key, n => taken.Contains(n.Value) ? n.Key : n.Value, StringComparer.Ordinal);
    }

    // The quantisation stays: it is what tells two downloads of one model apart.
    private static string Short(ModelSpec model)
    {
        if (!string.IsNullOrWhiteSpace(model.Name))
        {
            return model.Name;
        }

        if (model.Origin is not ModelOrigin.Discovered)
        {
            return model.Id;
        }

        var last = model.Id.AsSpan(model.Id.LastIndexOf('/') + 1);
        last = last.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? last[..^".gguf".Length] : last;
        var name = last.ToString().Replace('-', ' ').Trim();
        return name.Length > 0 ? name : model.Id;
    }
}
