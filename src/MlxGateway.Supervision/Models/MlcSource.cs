namespace MlxGateway.Supervision.Models;

/// <summary>Finds what a model's section <c>Mlc</c> names on this machine.</summary>
internal sealed class MlcSource(SourceResolver resolver, ModelSettings settings)
{
    /// <summary>The section with absolute paths; null where nothing is said in it.</summary>
    public MlcSettings? Settings(ModelOptions model) => MlcSettings.Of(model.Mlc, Library, Further);

    /// <summary>What of the further models is missing, with the command that fetches it; null if nothing is.</summary>
    public string? Missing(ModelOptions model) => model.Mlc?.AdditionalModels
        .Select(static written => written.Split(',', 2)[0])
        .Where(static name => !IsEngines(name))
        .Select(name => resolver.Resolve(name, KindNames.MlcLlm).Missing)
        .FirstOrDefault(static missing => missing is not null);

    private string Library(string path) => path.StartsWith("mock://", StringComparison.Ordinal) ? path : PathText.Absolute(path, settings) ?? path;

    private (string Text, ByteSize Bytes) Further(string written)
    {
        var parts = written.Split(',', 2);
        var resolved = IsEngines(parts[0]) ? null : resolver.Resolve(parts[0], KindNames.MlcLlm);
        var name = resolved?.Path ?? parts[0];
        return (parts is [_, var library] ? $"{name},{Library(library)}" : name, resolved?.Bytes ?? ByteSize.Zero);
    }

    // What is not here by the gateway's means may be in the engine's own cache, where it is called so.
    private static bool IsEngines(string name) => name.StartsWith("HF://", StringComparison.Ordinal);
}
