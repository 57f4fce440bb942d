namespace MlxGateway.Supervision.Models.Facts;

/// <summary>What the list of tensors of one file adds up to. Single tensors are not kept.</summary>
internal sealed class GgufTensors
{
    private const int Dimensions = 4; // GGML_MAX_DIMS
    private const ulong Most = 1UL << 45; // values of one tensor, and bytes before it: far beyond any model, and sums of it cannot overflow

    private readonly Dictionary<uint, ulong> _bytesOf = [];

    /// <summary>How many there are.</summary>
    public long Count { get; private set; }

    /// <summary>How many numbers they hold together.</summary>
    public long Values { get; private set; }

    /// <summary>Their bytes together; null if one is written in a format that is not known.</summary>
    public long? Bytes { get; private set; } = 0;

    /// <summary>Where the last one ends, counted from the first byte of all data; of one in an unknown format, where it begins.</summary>
    public long End { get; private set; }

    /// <summary>The format that most bytes are written in; null if that is unknown.</summary>
    public uint? Dominant => _bytesOf.Count > 0 ? _bytesOf.MaxBy(entry => entry.Value).Key : null;

    /// <summary>Reads a list of so many.</summary>
    public static GgufTensors Read(GgufReader reader, ulong count)
    {
        var tensors = new GgufTensors();
        for (var i = 0UL; i < count && reader.Fault is null; i++)
        {
            tensors.Add(reader);
        }

        return tensors;
    }

    private void Add(GgufReader reader)
    {
        reader.Skip(reader.UInt64(), 1); // its name
        var dimensions = reader.UInt32();
        if (dimensions > Dimensions)
        {
            reader.Refuse($"has a tensor of {dimensions} dimensions, which engines do not read");
            return;
        }

        UInt128 values = 1;
        var row = 1UL;
        for (var i = 0; i < dimensions; i++)
        {
            var size = reader.UInt64();
            row = i == 0 ? size : row;
            values = size > Most ? Most + 1 : UInt128.Min(values * size, Most + 1);
        }

        var number = reader.UInt32();
        var offset = reader.UInt64();
        if (reader.Fault is not null)
        {
            return;
        }

        if (values > Most || offset > Most || Values > (long)Most)
        {
            reader.Refuse("has a tensor of an impossible size or place");
            return;
        }

        Count++;
        Values += (long)values;
        if (GgufTypes.Tensor(number) is not { } type)
        {
            Bytes = null;
            End = Math.Max(End, (long)offset);
            return;
        }

        if (row % (ulong)type.Values != 0)
        {
            reader.Refuse($"has a tensor in {type.Name} whose rows of {row} values are no whole blocks of {type.Values}");
            return;
        }

        var bytes = (long)values / type.Values * type.Bytes;
        Bytes += bytes;
        End = Math.Max(End, (long)offset + bytes);
        _bytesOf[number] = _bytesOf.GetValueOrDefault(number) + (ulong)bytes;
    }
}
