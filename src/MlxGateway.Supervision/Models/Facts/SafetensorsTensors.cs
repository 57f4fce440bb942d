using System.Buffers;
using System.Text.Json;

namespace MlxGateway.Supervision.Models.Facts;

/// <summary>Takes the tokens of a safetensors header one by one and adds its tensors up.</summary>
/// <param name="tally">Where to.</param>
internal sealed class SafetensorsTensors(TensorTally tally)
{
    private const int TopDepth = 1;
    private const int TensorDepth = 2;

    private readonly ArrayBufferWriter<byte> _name = new(256);
    private Field _field;
    private bool _isMetadata;
    private TensorType _type;
    private long _elements;
    private (long First, long Second, int Count) _offsets;

    private enum Field
    {
        Other,
        Type,
        Shape,
        Offsets,
    }

    /// <summary>Where the last tensor ends, in bytes behind the header.</summary>
    public long End { get; private set; }

    /// <summary>Takes a token. False: this is no header.</summary>
    /// <exception cref="InvalidOperationException">A name is no text.</exception>
    public bool Take(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.PropertyName when reader.CurrentDepth == TopDepth => Begin(ref reader),
        JsonTokenType.PropertyName when reader.CurrentDepth == TensorDepth => Enter(ref reader),
        JsonTokenType.StartObject => reader.CurrentDepth < TensorDepth,
        JsonTokenType.EndObject when reader.CurrentDepth == TopDepth => _isMetadata || Finish(),
        JsonTokenType.String when reader.CurrentDepth == TensorDepth && _field == Field.Type => TakeType(ref reader),
        JsonTokenType.Number when _field is Field.Shape or Field.Offsets => TakeNumber(ref reader),
        JsonTokenType.EndObject => reader.CurrentDepth == 0,
        JsonTokenType.Null when _isMetadata => true, // so MLX writes it where there is nothing to tell
        _ => reader.CurrentDepth >= TensorDepth, // anything else at the top is no tensor
    };

    private bool Begin(ref Utf8JsonReader reader)
    {
        _name.ResetWrittenCount();
        var length = reader.HasValueSequence ? (int)reader.ValueSequence.Length : reader.ValueSpan.Length;
        _name.Advance(reader.CopyString(_name.GetSpan(Math.Max(length, 1))));
        _isMetadata = _name.WrittenSpan.SequenceEqual("__metadata__"u8);
        (_field, _type, _elements, _offsets) = (Field.Other, TensorType.Other, 1, default);
        return true;
    }

    private bool Enter(ref Utf8JsonReader reader)
    {
        _field = _isMetadata ? Field.Other
            : reader.ValueTextEquals("dtype"u8) ? Field.Type
            : reader.ValueTextEquals("shape"u8) ? Field.Shape
            : reader.ValueTextEquals("data_offsets"u8) ? Field.Offsets
            : Field.Other;
        return true;
    }

    private bool TakeType(ref Utf8JsonReader reader)
    {
        _type = reader.ValueTextEquals("BF16"u8) ? TensorType.Bf16
            : reader.ValueTextEquals("F16"u8) ? TensorType.F16
            : reader.ValueTextEquals("F32"u8) ? TensorType.F32
            : reader.ValueTextEquals("U32"u8) || reader.ValueTextEquals("I32"u8) ? TensorType.Word
            : reader.ValueTextEquals("U8"u8) || reader.ValueTextEquals("I8"u8) ? TensorType.Byte
            : reader.ValueSpan.StartsWith("F8"u8) ? TensorType.F8
            : TensorType.Other;
        return true;
    }

    private bool TakeNumber(ref Utf8JsonReader reader)
    {
        if (!reader.TryGetInt64(out var number) || number < 0)
        {
            return false;
        }

        if (_field == Field.Shape)
        {
            _elements = Saturating.Multiply(_elements, number);
            return true;
        }

        _offsets = _offsets.Count == 0 ? (number, 0, 1) : (_offsets.First, number, _offsets.Count + 1);
        return _offsets.Count <= 2;
    }

    private bool Finish()
    {
        if (_offsets.Count != 2 || _offsets.Second < _offsets.First)
        {
            return false;
        }

        End = Math.Max(End, _offsets.Second);
        tally.Add(_name.WrittenSpan, _type, _elements, _offsets.Second - _offsets.First);
        return true;
    }
}
