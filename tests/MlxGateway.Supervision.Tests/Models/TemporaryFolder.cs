using System.Text.Json;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Tests.Models;

/// <summary>A folder of a test's own, with a home directory in it, gone afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    /// <summary>Takes any file for a whole one, so that tests of names and places need no real models; what real ones say is read.</summary>
    public static FactsCache Lenient => new(file => GgufFacts.Read(file) with { Fault = null }, folder => MlxFacts.Read(folder) is { Fault: { } fault } read && !IsOfNames(fault) ? read with { Fault = null } : MlxFacts.Read(folder));

    private static bool IsOfNames(string fault) => fault.EndsWith(" is missing", StringComparison.Ordinal) || fault.StartsWith("there are no ", StringComparison.Ordinal) || fault == "there is no config.json";

    public string Path { get; } = Directory.CreateTempSubdirectory("mlxgateway-models-").FullName;

    public string Home => In("home");

    public string Cache => In("home/.cache/huggingface/hub");

    public Dictionary<string, string> Variables { get; } = [];

    public string In(string relative) => System.IO.Path.Combine(Path, relative);

    public string Write(string relative, int bytes)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(In(relative))!);
        File.WriteAllBytes(In(relative), new byte[bytes]);
        return In(relative);
    }

    public string Write(string relative, string text)
    {
        Write(relative, 0);
        File.WriteAllText(In(relative), text);
        return In(relative);
    }

    public string Write(string relative, byte[] bytes)
    {
        Write(relative, 0);
        File.WriteAllBytes(In(relative), bytes);
        return In(relative);
    }

    /// <summary>Puts a repository with these files into the Hugging Face cache; returns its folder.</summary>
    public string RepositoryOf(string id, IEnumerable<(string Name, byte[] Bytes)> files)
    {
        var snapshot = Repository(id);
        foreach (var (name, bytes) in files)
        {
            File.CreateSymbolicLink(System.IO.Path.Combine(snapshot, name), Write(System.IO.Path.GetRelativePath(Path, System.IO.Path.Combine(snapshot, $"../../blobs/{Guid.NewGuid():N}")), bytes));
        }

        return System.IO.Path.GetFullPath(System.IO.Path.Combine(snapshot, "../.."));
    }

    /// <summary>Puts a repository into the Hugging Face cache as its tools do: links in a snapshot to blobs beside it.</summary>
    public string Repository(string id, params (string Name, int Bytes)[] files)
    {
        var folder = $"home/.cache/huggingface/hub/models--{id.Replace("/", "--", StringComparison.Ordinal)}";
        Write($"{folder}/refs/main", "c0ffee\n");
        Directory.CreateDirectory(In($"{folder}/snapshots/c0ffee"));
        foreach (var (name, bytes) in files)
        {
            var blob = Write($"{folder}/blobs/{Guid.NewGuid():N}", bytes);
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(In($"{folder}/snapshots/c0ffee/{name}"))!);
            File.Delete(In($"{folder}/snapshots/c0ffee/{name}"));
            File.CreateSymbolicLink(In($"{folder}/snapshots/c0ffee/{name}"), blob);
        }

        return In($"{folder}/snapshots/c0ffee");
    }

    /// <summary>Gives a file of a repository that is there, or a new one, a text.</summary>
    public void RepositoryText(string id, string name, string text)
    {
        var folder = Repository(id, (name, 0));
        File.WriteAllText(System.IO.Path.Combine(folder, name), text); // through the link
    }

    public static string Index(params string[] shards) =>
        JsonSerializer.Serialize(new { weight_map = shards.Select((shard, i) => (shard, i)).ToDictionary(pair => $"layer.{pair.i}", pair => pair.shard) });

    public ModelSettings Settings(Dictionary<string, ModelOptions>? models = null, string? defaultModel = null, List<string>? folders = null, string[]? offered = null) => new()
    {
        Models = models ?? [],
        Discovery = new DiscoveryOptions { Folders = folders ?? [] },
        DefaultModel = defaultModel,
        BaseFolder = Path,
        KnownKinds = ["mlx_lm", "mlx_vlm", "mlc_llm", "llama_server", "command", "demo"],
        OfferedKinds = offered ?? ["llama_server"],
        SharedFolder = In("shared"),
        Variable = name => name == "HOME" ? Home : Variables.GetValueOrDefault(name),
    };

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
