using System.Text.Json;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>The values of a <c>config.json</c>: those of its text part first, then those at its top. Whatever is not as it should be is not there.</summary>
/// <remarks>Disposed by who parsed it. Never throws for what is in it.</remarks>
internal sealed class ConfigKeys : IDisposable
{
    private const int Deepest = 64;

    // Where models that do more than read text keep what they know of text.
    private static readonly string[] TextParts = ["text_config", "llm_config", "language_config"];

    private readonly JsonDocument _document;
    private readonly ConfigPart[] _parts;

    private ConfigKeys(JsonDocument document)
    {
        _document = document;
        var top = new ConfigPart(document.RootElement);
        var thinker = top.Object("thinker_config"); // models that also speak keep what listens, sees and reads one level down
        Whole = thinker is null ? [top] : [top, thinker];
        var text = Whole.Reverse().SelectMany(part => TextParts.Select(part.Object)).FirstOrDefault(part => part is not null);
        _parts = text is null ? [.. Whole.Reverse()] : [text, .. Whole.Reverse()];
        IsNested = text is not null;
    }

    /// <summary>What describes the whole model: the top, and the part that listens, sees and reads if the model also speaks.</summary>
    public IReadOnlyList<ConfigPart> Whole { get; }

    /// <summary>Whether what concerns text is in a part of its own.</summary>
    public bool IsNested { get; }

    /// <summary>What the maker calls the design of the whole model.</summary>
    public string? ModelType => Whole[0].Text("model_type");

    /// <summary>What the maker calls the design of the part that reads text.</summary>
    public string? TextType => _parts[0].Text("model_type") ?? ModelType;

    /// <summary>The names of classes that implement it; empty if none is given. What is no text among them is passed over.</summary>
    public IReadOnlyList<string> Architectures => Whole[0].Value("architectures") is { ValueKind: JsonValueKind.Array } names
        ? [.. names.EnumerateArray().Take(ConfigPart.LongestList).Select(Json.Text).OfType<string>()]
        : [];

    /// <summary>Reads a configuration; null if it is no JSON object. Python's infinities and NaN are taken, since real models have them.</summary>
    public static ConfigKeys? Parse(byte[] json)
    {
        var document = Json.Parse(json, Deepest) ?? (PythonNumbers.Replace(json) is { } replaced ? Json.Parse(replaced, Deepest) : null);
        if (document is null || document.RootElement.ValueKind != JsonValueKind.Object)
        {
            document?.Dispose();
            return null;
        }

        return new ConfigKeys(document);
    }

    public void Dispose() => _document.Dispose();

    /// <summary>The first of these keys that has a whole number above 0 which fits.</summary>
    public int? Count(params ReadOnlySpan<string> names)
    {
        foreach (var part in _parts)
        {
            foreach (var name in names)
            {
                if (part.Count(name) is { } count)
                {
                    return count;
                }
            }
        }

        return null;
    }

    /// <summary>The text of a key.</summary>
    public string? Text(string name) => First(part => part.Text(name));

    /// <summary>The object of a key.</summary>
    public ConfigPart? Object(string name) => First(part => part.Object(name));

    /// <summary>The objects of a list; null if it is none, holds anything else or is longer than any list of layers.</summary>
    public ConfigPart[]? Objects(string name) => First(part => part.Objects(name));

    /// <summary>The texts of a list; null if it is none, holds anything else or is longer than any list of layers.</summary>
    public string[]? Texts(string name) => First(part => part.Texts(name));

    /// <summary>The whole numbers, 0 or more, of a list; null if it is none, holds anything else or is longer than any list of layers.</summary>
    public int[]? Counts(string name) => First(part => part.Counts(name));

    /// <summary>Whether a key says true.</summary>
    public bool IsTrue(string name) => Array.Exists(_parts, part => part.Value(name) is { ValueKind: JsonValueKind.True });

    /// <summary>Whether a key has any value but null.</summary>
    public bool Has(string name) => Array.Exists(_parts, part => part.Value(name) is not null);

    private T? First<T>(Func<ConfigPart, T?> read)
        where T : class
    {
        foreach (var part in _parts)
        {
            if (read(part) is { } found)
            {
                return found;
            }
        }

        return null;
    }
}
