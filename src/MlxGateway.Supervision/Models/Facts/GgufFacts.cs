using System.Globalization;
using System.Security;
using System.Text.RegularExpressions;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>Reads what GGUF files say of their model: the values at the head of the first file of a series, and what the tensors of all of them add up to.</summary>
/// <remarks>Never throws for what lies on the disk, never opens what has no bytes (<see cref="Disk"/>), and takes a few MB and well under a second whatever the files claim.</remarks>
internal static partial class GgufFacts
{
    private const int MostFiles = 1024;

    /// <summary>The facts of a model.</summary>
    /// <param name="file">The first file of its series, or its only one. Its name needs no ending.</param>
    public static FileFacts Read(string file)
    {
        var (header, fault) = Header(file);
        if (header is not { IsGguf: true })
        {
            return new FileFacts(null, fault);
        }

        var rest = fault is null ? Rest(file, header, out fault) : [];
        fault ??= Doubt(file, [header, .. rest]);
        return new FileFacts(Facts(header.Keys, [header, .. rest], isWhole: fault is null), fault);
    }

    /// <summary>The facts of one file by itself.</summary>
    /// <param name="stream">Its bytes from the first on; can seek.</param>
    /// <param name="length">How many it has.</param>
    /// <param name="name">What a fault calls it.</param>
    internal static FileFacts Read(Stream stream, long length, string name)
    {
        var header = GgufHeader.Read(stream, length);
        var fault = header.Fault is { } what ? $"the file {name} {what}" : Doubt(name, [header]);
        return new FileFacts(header.IsGguf ? Facts(header.Keys, [header], fault is null) : null, fault);
    }

    /// <summary>What a model can be sent through a projector: text, and images or sound; null if the file is none or cannot be read.</summary>
    public static ValueList<string>? ModalitiesOf(string projector) =>
        Header(projector).Header is { IsGguf: true } header && GgufUse.IsProjector(header.Keys) ? GgufUse.Modalities(header.Keys) : null;

    private static (GgufHeader? Header, string? Fault) Header(string file)
    {
        if (Disk.Length(file) is not { } length)
        {
            return (null, $"the file {file} does not exist or is empty");
        }

        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
            var header = GgufHeader.Read(stream, length);
            return (header, header.Fault is { } what ? $"the file {file} {what}" : null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or SecurityException or ArgumentException or NotSupportedException)
        {
            return (null, $"the file {file} cannot be read by the user that the gateway runs as");
        }
    }

    // The other files of the series. Engines go by what the first one says, and find the others by its name.
    private static List<GgufHeader> Rest(string file, GgufHeader first, out string? fault)
    {
        fault = null;
        var rest = new List<GgufHeader>();
        var count = first.Keys.Number("split.count") ?? 1;
        if (count <= 1)
        {
            return rest;
        }

        if (count > MostFiles)
        {
            fault = $"the file {file} claims to be one of {count}, more than any model has";
            return rest;
        }

        var name = GgufName.Of(file);
        if (first.Keys.Number("split.no") is > 0 and var number)
        {
            fault = $"the file {file} is file {number + 1} of a series, and a model is launched with the first";
        }
        else if (name.Count != count || name.Number != 1)
        {
            fault = $"the file {file} is the first of {count}, and its name does not say so, so that engines do not find the others";
        }
        else
        {
            foreach (var other in name.SeriesOf(file).Skip(1))
            {
                (var header, fault) = Header(other);
                if (header is not null)
                {
                    rest.Add(header);
                }

                if (fault is not null)
                {
                    break; // one is enough, and the next may be on a slow disk
                }
            }
        }

        return rest;
    }

    // What is wrong with files that can all be read.
    private static string? Doubt(string file, List<GgufHeader> headers)
    {
        var found = headers.Sum(header => header.Tensors.Count);
        return headers[0].Keys.Architecture is null ? $"the file {file} does not say which architecture its model has"
            : found == 0 ? $"the file {file} holds no tensors"
            : headers.Count > 1 && headers[0].Keys.Number("split.tensors.count") is { } expected && expected != found ? $"the series of {file} holds {found} tensors, and says that there are {expected}"
            : null;
    }

    private static ModelFacts Facts(GgufKeys keys, List<GgufHeader> headers, bool isWhole)
    {
        var tensors = headers.ConvertAll(header => header.Tensors);
        var templates = keys.Templates.ToList();
        ByteSize? bytes = isWhole ? new ByteSize(headers.Sum(header => header.Tensors.Bytes ?? header.DataBytes)) : null;
        return new ModelFacts
        {
            Use = GgufUse.Of(keys),
            Modalities = GgufUse.Modalities(keys),
            Architecture = keys.Architecture,
            // 1024 is added to the number where it was guessed from the tensors.
            Quantisation = GgufTypes.File(keys.Number("general.file_type") & ~1024) ?? Dominant(tensors),
            Parameters = isWhole ? tensors.Sum(each => each.Values) : keys.Number("general.parameter_count") ?? Labelled(keys.Text("general.size_label")),
            TensorBytes = bytes,
            TowerBytes = bytes is { } all && GgufUse.IsProjector(keys) ? all : default,
            ImageTokens = GgufUse.ImageTokens(keys),
            Cache = GgufUse.IsProjector(keys) ? null : GgufCache.Of(keys),
            ContextWindow = keys.OfDesign("context_length") is > 0 and <= int.MaxValue and var context ? (int)context : null,
            HiddenSize = Positive(keys.Size("embedding_length") ?? Math.Max(keys.Size("vision.embedding_length") ?? 0, keys.Size("audio.embedding_length") ?? 0)),
            FeedForwardSize = FeedForward(keys) ?? Positive(Math.Max(keys.Size("vision.feed_forward_length") ?? 0, keys.Size("audio.feed_forward_length") ?? 0)),
            AttentionHeads = Positive(Widest(keys, "attention.head_count")),
            QuerySize = Positive(Query(keys)),
            Pooling = keys.Size("pooling_type"),
            VocabularySize = Positive((int?)keys.Tokens ?? keys.Size("vocab_size")),
            HasChatTemplate = templates.Exists(template => template.Length > 0),
            TakesTools = templates.Exists(ChatTemplate.TakesTools),
            Thinks = templates.Exists(ChatTemplate.Thinks),
        };
    }

    private static string? Dominant(List<GgufTensors> tensors) =>
        tensors.MaxBy(each => each.Bytes ?? 0)?.Dominant is { } number ? GgufTypes.Tensor(number)?.Name : null;

    // Of a model of experts, all that work on one token are as one layer.
    private static int? FeedForward(GgufKeys keys)
    {
        var experts = (long)(keys.Size("expert_feed_forward_length") ?? 0) * (keys.Size("expert_used_count") ?? 0);
        return Positive((int)Math.Clamp(Math.Max(experts, Widest(keys, "feed_forward_length") ?? 0), 0, int.MaxValue));
    }

    private static int? Query(GgufKeys keys) =>
        Widest(keys, "attention.head_count") is > 0 and <= (1 << 16) and var heads && keys.Size("attention.key_length") is { } length ? (int)Math.Min((long)heads * length, int.MaxValue) : null;

    private static int? Widest(GgufKeys keys, string key) =>
        keys.List(key) is { Count: > 0 } list ? (int)Math.Clamp(list.Max(), 0, int.MaxValue) : keys.Size(key);

    private static int? Positive(int? value) => value > 0 ? value : null;

    /// <summary>The parameters that a label names, such as <c>8B</c>, <c>270M</c>, <c>8x7B</c> or <c>30B-A3B</c>.</summary>
    private static long? Labelled(string? label)
    {
        if (label is null || Label().Match(label) is not { Success: true } match)
        {
            return null;
        }

        var copies = match.Groups[1].Success ? double.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 1;
        var unit = match.Groups[3].Value switch { "K" => 1e3, "M" => 1e6, "B" => 1e9, _ => 1e12 };
        return (long)Math.Round(Math.Min(copies * double.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture) * unit, 1e15));
    }

    [GeneratedRegex("^(?:([0-9]{1,4})x)?([0-9]{1,6}(?:\\.[0-9]{1,4})?)([KMBT])", RegexOptions.CultureInvariant)]
    private static partial Regex Label();
}
