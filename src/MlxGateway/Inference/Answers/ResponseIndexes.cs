using System.Buffers.Text;
using System.Text.Json;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Inference.Answers;

/// <summary>Adds to the events of <c>/v1/responses</c> the indexes that clients need and engines leave out: which event of the stream it is, which item of the output and which part of that item it is about.</summary>
internal sealed class ResponseIndexes : IAnswerFilter
{
    // An output has a few; a runner that begins ever more of them must not make the gateway hold them all.
    private const int MostItems = 1024;

    private readonly List<OutputItem> _items = [];
    private EventEditor? _editor;
    private int _event = -1;
    private OutputItem? _newest;

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events) => (_editor ??= new EventEditor(Edit)).EditEvents(events);

    private void Edit(ReadOnlySpan<byte> data, DataEdits edits)
    {
        try
        {
            var json = new Utf8JsonReader(data);
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            {
                return;
            }

            var front = (int)json.BytesConsumed;
            var seen = ResponseEvent.Read(ref json, data);
            if (seen.Type.IsEmpty)
            {
                return;
            }

            _event = seen.Sequence ?? _event + 1;
            var item = Follow(seen);
            Say(edits, front, "\"sequence_number\":"u8, seen.Sequence is null ? _event : null);
            Say(edits, front, "\"output_index\":"u8, seen.IsOfAnItem && seen.Output is null ? item?.Index ?? 0 : null);
            Say(edits, front, "\"content_index\":"u8, seen.IsOfAPart && seen.Content is null ? Math.Max(item?.Part ?? 0, 0) : null);
        }
        catch (Exception notJson) when (notJson is JsonException or InvalidOperationException)
        {
            edits.Clear();
        }
    }

    private static void Say(DataEdits edits, int front, ReadOnlySpan<byte> name, int? value)
    {
        if (value is { } number)
        {
            Span<byte> text = stackalloc byte[48];
            name.CopyTo(text);
            _ = Utf8Formatter.TryFormat(number, text[name.Length..], out var digits);
            text[name.Length + digits] = (byte)',';
            edits.Put(front, 0, text[..(name.Length + digits + 1)]);
        }
    }

    // The item that the event is about: the one that it names, else the newest.
    private OutputItem? Follow(in ResponseEvent seen)
    {
        if (seen.Type.SequenceEqual("response.output_item.added"u8))
        {
            _newest = new OutputItem(seen.ItemId.ToArray(), seen.Output ?? (_newest?.Index ?? -1) + 1);
            if (_items.Count < MostItems)
            {
                _items.Add(_newest);
            }

            return _newest;
        }

        var item = Find(seen.ItemId) ?? _newest;
        if (item is not null && seen.Type.SequenceEqual("response.content_part.added"u8))
        {
            item.Part = seen.Content ?? item.Part + 1;
        }

        return item;
    }

    private OutputItem? Find(ReadOnlySpan<byte> id)
    {
        for (var i = _items.Count - 1; i >= 0 && !id.IsEmpty; i--)
        {
            if (id.SequenceEqual(_items[i].Id))
            {
                return _items[i];
            }
        }

        return null;
    }

    /// <summary>One item of the output.</summary>
    private sealed class OutputItem(byte[] id, int index)
    {
        /// <summary>Its id, as it stands in JSON.</summary>
        public byte[] Id { get; } = id;

        /// <summary>Its place in the output.</summary>
        public int Index { get; } = index;

        /// <summary>Its newest part; −1: it has none yet.</summary>
        public int Part { get; set; } = -1;
    }
}

/// <summary>Streams of <c>/v1/responses</c>.</summary>
internal sealed class ResponseIndexing : IAnswerFilterSource
{
    /// <inheritdoc/>
    public IAnswerFilter? FilterFor(InferenceExchange exchange, ModelLease lease) => exchange is { Route.Shape: StreamShape.Responses, Request.Stream: true } ? new ResponseIndexes() : null;
}
