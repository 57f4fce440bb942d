using System.Buffers.Binary;
using System.Text;

namespace MlxGateway.Tests.Telemetry;

/// <summary>A message in protobuf's encoding, read without its schema: fields by number, as often as they came. Anything that is not well formed is an error.</summary>
internal sealed class Protobuf
{
    private readonly List<(int Field, ulong Number, ReadOnlyMemory<byte> Bytes)> _fields = [];

    public Protobuf(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var key = TakeVarint(ref bytes);
            var field = (int)(key >> 3);
            switch (key & 7)
            {
                case 0:
                    _fields.Add((field, TakeVarint(ref bytes), default));
                    break;
                case 1:
                    _fields.Add((field, BinaryPrimitives.ReadUInt64LittleEndian(bytes.Span), default));
                    bytes = bytes[8..];
                    break;
                case 2:
                    var length = (int)TakeVarint(ref bytes);
                    _fields.Add((field, 0, bytes[..length]));
                    bytes = bytes[length..];
                    break;
                case 5:
                    _fields.Add((field, BinaryPrimitives.ReadUInt32LittleEndian(bytes.Span), default));
                    bytes = bytes[4..];
                    break;
                default:
                    throw new FormatException($"Field {field} has the unknown type {key & 7}.");
            }
        }
    }

    public IEnumerable<Protobuf> Messages(int field) => _fields.Where(f => f.Field == field).Select(f => new Protobuf(f.Bytes));

    public Protobuf? Message(int field) => Messages(field).FirstOrDefault();

    public bool Has(int field) => _fields.Exists(f => f.Field == field);

    public string Text(int field) => Encoding.UTF8.GetString(_fields.LastOrDefault(f => f.Field == field).Bytes.Span);

    public string Hex(int field) => Convert.ToHexStringLower(_fields.LastOrDefault(f => f.Field == field).Bytes.Span);

    public ulong Number(int field) => _fields.LastOrDefault(f => f.Field == field).Number;

    public double Double(int field) => BitConverter.UInt64BitsToDouble(Number(field));

    /// <summary>The attributes in a field: a text, a number, a truth value or a list of texts each.</summary>
    public Dictionary<string, object> Attributes(int field) => Messages(field).ToDictionary(static a => a.Text(1), static a => Value(a.Message(2)!), StringComparer.Ordinal);

    private static object Value(Protobuf any) =>
        any.Has(1) ? any.Text(1)
        : any.Has(2) ? any.Number(2) != 0
        : any.Has(3) ? (long)any.Number(3)
        : any.Has(4) ? any.Double(4)
        : any.Message(5) is { } list ? list.Messages(1).Select(Value).Cast<string>().ToArray()
        : ""; // null

    private static ulong TakeVarint(ref ReadOnlyMemory<byte> bytes)
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = bytes.Span[0];
            bytes = bytes[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw new FormatException("A number does not end.");
    }
}
