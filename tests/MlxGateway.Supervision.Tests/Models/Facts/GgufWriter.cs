using System.Text;
using MlxGateway.Supervision.Models.Facts;

namespace MlxGateway.Supervision.Tests.Models.Facts;

/// <summary>Writes GGUF files for tests: any values, any tensors, with data that is all zero.</summary>
internal sealed class GgufWriter
{
    public const uint F32 = 0;
    public const uint Q4K = 12;

    private readonly List<(string Key, object Value)> _values = [];
    private readonly List<(string Name, uint Type, ulong[] Shape)> _tensors = [];

    public uint Version { get; init; } = 3;

    public int Alignment { get; init; } = 32;

    public GgufWriter With(string key, object value)
    {
        _values.Add((key, value));
        return this;
    }

    public GgufWriter Tensor(string name, uint type, params ulong[] shape)
    {
        _tensors.Add((name, type, shape));
        return this;
    }

    public FileFacts Read()
    {
        var bytes = Build();
        return GgufFacts.Read(new MemoryStream(bytes), bytes.Length, "x.gguf");
    }

    /// <summary>The file, with the data of its tensors.</summary>
    public byte[] Build()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true);
        writer.Write("GGUF"u8);
        writer.Write(Version);
        writer.Write((ulong)_tensors.Count);
        writer.Write((ulong)_values.Count);
        foreach (var (key, value) in _values)
        {
            Text(writer, key);
            writer.Write(TypeOf(value));
            Value(writer, value);
        }

        ulong offset = 0;
        foreach (var (name, type, shape) in _tensors)
        {
            Text(writer, name);
            writer.Write((uint)shape.Length);
            Array.ForEach(shape, writer.Write);
            writer.Write(type);
            writer.Write(offset);
            offset += Padded(Bytes(type, shape));
        }

        writer.Flush();
        stream.SetLength((long)(Padded((ulong)stream.Length) + (_tensors.Count > 0 ? offset : 0)));
        return stream.ToArray();
    }

    public string Write(string path)
    {
        File.WriteAllBytes(path, Build());
        return path;
    }

    private ulong Padded(ulong bytes) => (bytes + (ulong)Alignment - 1) / (ulong)Alignment * (ulong)Alignment;

    private static ulong Bytes(uint type, ulong[] shape)
    {
        var known = GgufTypes.Tensor(type) ?? new GgufType("unknown", 1, 1);
        return shape.Aggregate(1UL, (all, one) => all * one) / (ulong)known.Values * (ulong)known.Bytes;
    }

    private static uint TypeOf(object value) => value switch
    {
        byte => 0, sbyte => 1, ushort => 2, short => 3, uint => 4, int => 5, float => 6, bool => 7, string => 8, Array => 9, ulong => 10, long => 11, double => 12,
        _ => throw new NotSupportedException(value.GetType().Name),
    };

    private static void Value(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case byte v: writer.Write(v); break;
            case sbyte v: writer.Write(v); break;
            case ushort v: writer.Write(v); break;
            case short v: writer.Write(v); break;
            case uint v: writer.Write(v); break;
            case int v: writer.Write(v); break;
            case float v: writer.Write(v); break;
            case bool v: writer.Write(v); break;
            case ulong v: writer.Write(v); break;
            case long v: writer.Write(v); break;
            case double v: writer.Write(v); break;
            case string v: Text(writer, v); break;
            default:
                var array = (Array)value;
                writer.Write(array.Length > 0 ? TypeOf(array.GetValue(0)!) : 4);
                writer.Write((ulong)array.Length);
                foreach (var each in array)
                {
                    Value(writer, each!);
                }

                break;
        }
    }

    private static void Text(BinaryWriter writer, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }
}
