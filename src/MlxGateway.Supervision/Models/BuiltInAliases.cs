namespace MlxGateway.Supervision.Models;

/// <summary>Short names that hold where their repository is known and nobody else has the name.</summary>
internal static class BuiltInAliases
{
    private static readonly (string Alias, string Repository)[] All =
    [
        ("gemma", "mlx-community/gemma-3-4b-it-4bit"),
        ("gemma3n", "mlx-community/gemma-3n-E4B-it-4bit"),
        ("qwen", "mlx-community/Qwen3-VL-4B-Instruct-4bit"),
    ];

    /// <summary>Gives each short name to the first model of its repository.</summary>
    public static void AddTo(List<ModelSpec> models)
    {
        foreach (var (alias, repository) in All)
        {
            var index = models.FindIndex(model => model.Id == repository || model.Source == repository);
            if (index >= 0 && !models.Exists(model => Names(model).Contains(alias, StringComparer.OrdinalIgnoreCase)))
            {
                models[index] = models[index] with { Aliases = [.. models[index].Aliases, alias] };
            }
        }
    }

    private static IEnumerable<string> Names(ModelSpec model) => model.Aliases.Append(model.Id);
}
