namespace MlxGateway.Supervision.Models;

/// <summary>Makes one list of what all sources know.</summary>
internal static class CatalogMerge
{
    /// <summary>The models, each file and each name once: what is configured wins over what was found, and the source that comes first over the others.</summary>
    public static List<ModelSpec> Of(IEnumerable<ModelSpec> known)
    {
        var models = new List<ModelSpec>();
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var holders = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var model in known.OrderBy(model => model.Origin))
        {
            var files = Files(model);
            if (model.Origin == ModelOrigin.Discovered && files is not null && holders.TryGetValue(files, out var holder))
            {
                // The same files once more: one model, and the name that they were found by leads to it.
                models[holder] = taken.Add(model.Id) ? models[holder] with { Aliases = [.. models[holder].Aliases, model.Id] } : models[holder];
            }
            else if (taken.Add(model.Id))
            {
                models.Add(model with { Aliases = ValueList.From(model.Aliases.Where(taken.Add)) });
                if (files is not null)
                {
                    holders.TryAdd(files, models.Count - 1);
                }
            }
        }

        BuiltInAliases.AddTo(models);
        return models;
    }

    // What it would be launched with. A model that was found with an adapter is not the one without.
    private static string? Files(ModelSpec model) => model switch
    {
        { Path: null, Source: null } => null,
        { Path: null } => $"source {model.Source}",
        { Origin: ModelOrigin.Discovered } => string.Join('\0', model.Args.Prepend(Disk.Real(model.Path) ?? model.Path)),
        _ => Disk.Real(model.Path) ?? model.Path,
    };
}
