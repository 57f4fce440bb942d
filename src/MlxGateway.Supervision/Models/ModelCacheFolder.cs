namespace MlxGateway.Supervision.Models;

/// <summary>Says where models of the hub are kept.</summary>
public static class ModelCacheFolder
{
    /// <summary>The folder of the Hugging Face cache by the environment, as its own tools decide it.</summary>
    /// <param name="variable">Looks up an environment variable; null if it is not set.</param>
    public static string Path(Func<string, string?> variable) => HuggingFaceFolder.Of(new ModelSettings
    {
        Models = new Dictionary<string, ModelOptions>(),
        Discovery = new DiscoveryOptions(),
        BaseFolder = Directory.GetCurrentDirectory(),
        KnownKinds = [],
        OfferedKinds = [],
        Variable = variable,
    }).Path;
}
