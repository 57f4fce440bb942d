using System.Collections.Concurrent;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Models;

/// <summary>Reads the files of models, and remembers what they said until one of them changes. For use by any thread.</summary>
/// <param name="readGguf">Reads a GGUF file and the rest of its series.</param>
/// <param name="readMlx">Reads a folder in MLX form.</param>
/// <param name="readMlc">Reads a folder in MLC form; null: by <see cref="MlcFacts"/>.</param>
internal sealed class FactsCache(Func<string, FileFacts> readGguf, Func<string, FileFacts> readMlx, Func<string, FileFacts>? readMlc = null)
{
    private const int MostFilesOfAModel = 2000;
    private readonly StampedCache<FileFacts> _ggufs = new(readGguf);
    private readonly StampedCache<FileFacts> _folders = new(readMlx);
    private readonly StampedCache<FileFacts> _compiled = new(readMlc ?? MlcFacts.Read);
    private readonly StampedCache<ValueList<string>?> _projectors = new(GgufFacts.ModalitiesOf);
    private readonly StampedCache<HuggingFaceTree?> _trees = new(HuggingFaceTree.Read);
    private readonly StampedCache<OllamaManifest?> _manifests = new(OllamaManifest.Read);

    /// <summary>Reads by <see cref="GgufFacts"/>, <see cref="MlxFacts"/> and <see cref="MlcFacts"/>.</summary>
    public FactsCache()
        : this(GgufFacts.Read, MlxFacts.Read)
    {
    }

    /// <summary>What a GGUF file, the first of its series, says.</summary>
    public FileFacts Gguf(string file) => _ggufs.Of(file, GgufName.Of(file).SeriesOf(file));

    /// <summary>What a model can be sent through a projector; null if the file does not say.</summary>
    public ValueList<string>? Projector(string file) => _projectors.Of(file, [file]);

    /// <summary>What a file of the Hugging Face cache says that a repository consists of; null if there is none.</summary>
    public HuggingFaceTree? Tree(string file) => _trees.Of(file, [file]);

    /// <summary>What a manifest of Ollama's says; null if it cannot be read.</summary>
    public OllamaManifest? Manifest(string file) => _manifests.Of(file, [file]);

    /// <summary>What a folder in MLX form says.</summary>
    public FileFacts Mlx(string folder)
    {
        var files = FilesOf(folder);
        var parts = files.Contains(MlxPipeline.Index) ? FileWalk.Find(folder, "", depth: 1).Where(path => Path.GetDirectoryName(path) != folder) : [];
        return _folders.Of(folder, [.. files.Append("1_Pooling/config.json").Append("additional_chat_templates").Select(name => Path.Combine(folder, name)), .. parts]);
    }

    /// <summary>What a folder in MLC form says.</summary>
    public FileFacts Mlc(string folder) => _compiled.Of(folder, FilesOf(folder).Select(name => Path.Combine(folder, name)));

    // All files, because what is read depends on what is there.
    private static List<string> FilesOf(string folder) =>
        [.. Disk.Entries(folder, MostFilesOfAModel, static _ => true).Entries.Where(entry => !entry.IsFolder).Select(entry => entry.Name).Order(StringComparer.Ordinal)];
}

/// <summary>What was read of a path, remembered until one of the files that it depends on changes.</summary>
internal sealed class StampedCache<T>(Func<string, T> read)
{
    // Of a disk on which models come and go for months, not all is kept.
    private const int Most = 20_000;
    private readonly ConcurrentDictionary<string, Known> _known = new(StringComparer.Ordinal);

    /// <summary>What is read of the path now, or was read while the files were the same.</summary>
    public T Of(string path, IEnumerable<string> files)
    {
        // Before it is read, so that a change meanwhile is seen the next time.
        Stamp[] stamps = [.. files.Select(file => new Stamp(file, Disk.Stamp(file)))];
        if (_known.TryGetValue(path, out var known) && known.Stamps.AsSpan().SequenceEqual(stamps))
        {
            return known.Value;
        }

        if (_known.Count >= Most)
        {
            _known.Clear();
        }

        var value = read(path);
        _known[path] = new Known(stamps, value);
        return value;
    }

    private readonly record struct Stamp(string File, FileStamp At);

    private sealed record Known(Stamp[] Stamps, T Value);
}
