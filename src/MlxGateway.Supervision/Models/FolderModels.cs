namespace MlxGateway.Supervision.Models;

/// <summary>The GGUF files and the folders in MLX form in the folders of <c>Discovery:Folders</c> and the folders in them.</summary>
internal sealed class FolderModels(FactsCache facts) : IModelSource
{
    /// <summary>How deep a collection of models is looked through: most keep ORG/REPOSITORY/FILE, and a little more is allowed for.</summary>
    public const int Depth = 5;

    private const int MostModels = 2000;

    /// <inheritdoc/>
    public IReadOnlyList<ModelSpec> Read(ModelSettings settings)
    {
        List<FoundModel> found =
        [
            .. settings.Discovery.Folders
                .Select(folder => PathText.Absolute(folder, settings))
                .OfType<string>()
                .SelectMany(folder => FoundModel.In(folder, Depth))
                .Distinct()
                .Take(MostModels),
        ];
        return Bounded.SelectMany([.. Names(found)], named => [named.Model.Spec(named.Id, advice: "", facts, settings)]);
    }

    /// <summary>Names each by what it is called where it lies, and those of one name by as many folders in front of it as tell them apart.</summary>
    private static IEnumerable<(string Id, FoundModel Model)> Names(IEnumerable<FoundModel> found)
    {
        foreach (var group in found.GroupBy(model => model.Name, StringComparer.Ordinal))
        {
            var same = group.ToList();
            var folders = 0;
            while (same.Select(model => Name(model, folders)).Distinct(StringComparer.Ordinal).Count() < same.Count && folders < 100)
            {
                folders++;
            }

            foreach (var model in same)
            {
                yield return (Name(model, folders), model);
            }
        }
    }

    private static string Name(FoundModel model, int folders) =>
        string.Join('/', model.Folder.Split('/', StringSplitOptions.RemoveEmptyEntries).TakeLast(folders).Append(model.Name));
}
