using System.Text;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>The values at the head of a GGUF file, as far as anything is told from them: numbers, short lists of numbers, and a few texts. The tokenizer's lists are counted and not kept.</summary>
internal sealed class GgufKeys
{
    private const int LongestKey = 96;
    private const int MostKept = 2048;
    private const int LongestName = 256;
    private const int LongestTemplate = 1 << 20;
    private const int LongestList = 1024; // one for each layer; llama.cpp takes 512
    private const int MostListed = 16 * LongestList;

    private readonly Dictionary<string, long> _numbers = [];
    private readonly Dictionary<string, long[]> _lists = [];
    private readonly Dictionary<string, long> _designNumbers = [];
    private readonly Dictionary<string, long[]> _designLists = [];
    private readonly Dictionary<string, string> _texts = [];
    private int _listed;

    /// <summary><c>general.architecture</c>: how everything that belongs to the design is prefixed.</summary>
    public string? Architecture => Text("general.architecture");

    /// <summary>How many tokens the tokenizer lists.</summary>
    public long? Tokens { get; private set; }

    /// <summary>The chat templates, of which a file may have several for different uses.</summary>
    public IEnumerable<string> Templates => _texts.Where(entry => entry.Key.StartsWith("tokenizer.chat_template", StringComparison.Ordinal)).Select(entry => entry.Value);

    /// <summary>Reads so many.</summary>
    public static GgufKeys Read(GgufReader reader, ulong count)
    {
        var keys = new GgufKeys();
        for (var i = 0UL; i < count && reader.Fault is null; i++)
        {
            keys.Add(reader);
        }

        keys.NameByDesign();
        return keys;
    }

    /// <summary>A text; null if there is none, or none by that name that is kept.</summary>
    public string? Text(string key) => _texts.GetValueOrDefault(key);

    /// <summary>A number, or 0 and 1 for a yes-or-no; null if there is none.</summary>
    public long? Number(string key) => _numbers.TryGetValue(key, out var number) ? number : null;

    /// <summary>A number of the design, by its key without the architecture.</summary>
    public long? OfDesign(string key) => _designNumbers.TryGetValue(key, out var number) ? number : null;

    /// <summary>A count or size of the design that makes sense: 0 to 2²⁴; null otherwise.</summary>
    public int? Size(string key) => OfDesign(key) is >= 0 and <= (1 << 24) and var size ? (int)size : null;

    /// <summary>A list of the design; null if there is none.</summary>
    public IReadOnlyList<long>? List(string key) => _designLists.GetValueOrDefault(key);

    /// <summary>What holds for a layer: the value of a list, or the one value for all; null if there is neither.</summary>
    public long? OfLayer(string key, int layer) => List(key) is { } list ? layer < list.Count ? list[layer] : null : OfDesign(key);

    // Looked up for each layer, so the prefix is taken off once. It may be known only at the end: nothing orders the keys.
    private void NameByDesign()
    {
        var prefix = $"{Architecture}.";
        foreach (var (key, number) in _numbers.Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal)))
        {
            _designNumbers.Add(key[prefix.Length..], number);
        }

        foreach (var (key, list) in _lists.Where(entry => entry.Key.StartsWith(prefix, StringComparison.Ordinal)))
        {
            _designLists.Add(key[prefix.Length..], list);
        }
    }

    private void Add(GgufReader reader)
    {
        var name = reader.ShortText(LongestKey);
        var key = name.IsEmpty ? "" : Encoding.UTF8.GetString(name);
        var type = reader.UInt32();
        if (reader.Fault is not null)
        {
            return;
        }

        if (type == 8)
        {
            AddText(reader, key);
        }
        else if (type == 9)
        {
            AddList(reader, key);
        }
        else if (SizeOf(type) == 0)
        {
            reader.Refuse($"has a value of the unknown type {type}");
        }
        else if (Scalar(reader, type) is { } number && key.Length > 0 && _numbers.Count < MostKept)
        {
            _numbers.TryAdd(key, number);
        }
    }

    private void AddText(GgufReader reader, string key)
    {
        var limit = key switch
        {
            "general.architecture" or "general.type" or "general.size_label" => LongestName,
            _ when key.StartsWith("tokenizer.chat_template", StringComparison.Ordinal) && _texts.Count < 8 => LongestTemplate,
            _ => 0,
        };
        if (limit == 0)
        {
            reader.Skip(reader.UInt64(), 1);
            return;
        }

        _texts.TryAdd(key, reader.Text(limit));
    }

    private void AddList(GgufReader reader, string key)
    {
        var type = reader.UInt32();
        var count = reader.UInt64();
        if (reader.Fault is not null)
        {
            return;
        }

        if (key == "tokenizer.ggml.tokens")
        {
            Tokens = (long)Math.Min(count, int.MaxValue);
        }

        var size = SizeOf(type);
        if (type == 8)
        {
            reader.SkipTexts(count);
        }
        else if (size == 0)
        {
            reader.Refuse(type == 9 ? "has lists within lists, which engines do not read" : $"has a list of the unknown type {type}");
        }
        else if (type is 6 or 12 || key.Length == 0 || key.StartsWith("tokenizer.", StringComparison.Ordinal) || count > LongestList || _listed + (int)count > MostListed)
        {
            reader.Skip(count, size);
        }
        else if (reader.Has(count, size))
        {
            var list = new long[(int)count];
            for (var i = 0; i < list.Length; i++)
            {
                list[i] = Scalar(reader, type)!.Value;
            }

            _listed += list.Length + 1;
            _lists.TryAdd(key, list);
        }
    }

    // The types of values, by their number: u8 i8 u16 i16 u32 i32 f32 bool text list u64 i64 f64.
    private static int SizeOf(uint type) => type switch
    {
        0 or 1 or 7 => 1,
        2 or 3 => 2,
        4 or 5 or 6 => 4,
        10 or 11 or 12 => 8,
        _ => 0,
    };

    private static long? Scalar(GgufReader reader, uint type)
    {
        switch (type)
        {
            case 0: return reader.Byte();
            case 1: return (sbyte)reader.Byte();
            case 2: return reader.UInt16();
            case 3: return (short)reader.UInt16();
            case 4: return reader.UInt32();
            case 5: return (int)reader.UInt32();
            case 7: return reader.Byte() == 0 ? 0 : 1;
            case 10: return (long)Math.Min(reader.UInt64(), long.MaxValue);
            case 11: return (long)reader.UInt64();
            default:
                reader.Skip(1, SizeOf(type)); // a fraction: nothing is told from one
                return null;
        }
    }
}
