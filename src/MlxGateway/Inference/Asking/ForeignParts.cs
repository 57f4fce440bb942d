using System.Buffers;
using System.Text.Json;

namespace MlxGateway.Inference.Asking;

/// <summary>Finds what clients of other services put into a request and an engine here would refuse it for. The values are read where they lie; nothing but their types is looked at.</summary>
internal static class ForeignParts
{
    private static readonly byte[] NoThoughts = """[{"type":"reasoning_text","text":""}]"""u8.ToArray();
    private static readonly byte[] NoThoughtsMember = "\"content\":[{\"type\":\"reasoning_text\",\"text\":\"\"}],"u8.ToArray();

    /// <summary>The edits that take every tool out that says to be something else than a function.</summary>
    /// <param name="body">The body.</param>
    /// <param name="at">Where the list of tools begins.</param>
    public static List<BodyEdit> ToolsBesideFunctions(in ReadOnlySequence<byte> body, long at)
    {
        var edits = new List<BodyEdit>();
        var json = ReaderAt(body, at);
        if (!json.Read() || json.TokenType != JsonTokenType.StartArray)
        {
            return edits;
        }

        // A tool goes with the comma behind it, the last ones with the one before them.
        long lastKept = -1;
        long from = -1;
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            var start = at + json.TokenStartIndex;
            var isForeign = json.TokenType == JsonTokenType.StartObject && IsOtherThan("function"u8, json);
            json.Skip();
            if (isForeign)
            {
                from = from < 0 ? start : from;
            }
            else
            {
                if (from >= 0)
                {
                    edits.Add(new BodyEdit(from, start - from, default));
                }

                (lastKept, from) = (at + json.BytesConsumed, -1);
            }
        }

        if (from >= 0)
        {
            from = lastKept < 0 ? from : lastKept;
            edits.Add(new BodyEdit(from, at + json.TokenStartIndex - from, default));
        }

        return edits;
    }

    /// <summary>The edits that give thoughts without words, as a client sends them back that had only their summary or their cipher, an empty text.</summary>
    /// <param name="body">The body.</param>
    /// <param name="at">Where the <c>input</c> begins.</param>
    public static List<BodyEdit> ThoughtsWithoutWords(in ReadOnlySequence<byte> body, long at)
    {
        var edits = new List<BodyEdit>();
        var json = ReaderAt(body, at);
        if (!json.Read() || json.TokenType != JsonTokenType.StartArray)
        {
            return edits;
        }

        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (json.TokenType == JsonTokenType.StartObject && FillIn(json, at) is { } edit)
            {
                edits.Add(edit);
            }

            json.Skip();
        }

        return edits;
    }

    // The body was checked before, and what follows the value is never read.
    private static Utf8JsonReader ReaderAt(in ReadOnlySequence<byte> body, long at) =>
        new(body.Slice(at), isFinalBlock: true, new JsonReaderState(new JsonReaderOptions { MaxDepth = TopLevelFields.MaxDepth }));

    // The readers are copies and stand on the beginning of an object.
    private static bool IsOtherThan(ReadOnlySpan<byte> type, Utf8JsonReader json)
    {
        var isOther = false;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isType = json.ValueTextEquals("type"u8);
            json.Read();
            isOther = isType ? json.TokenType == JsonTokenType.String && !json.ValueTextEquals(type) : isOther;
            json.Skip();
        }

        return isOther;
    }

    private static BodyEdit? FillIn(Utf8JsonReader json, long at)
    {
        var front = at + json.BytesConsumed;
        var isReasoning = false;
        var hasContent = false;
        BodyEdit? edit = null;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var (isType, isContent) = (json.ValueTextEquals("type"u8), json.ValueTextEquals("content"u8));
            json.Read();
            isReasoning |= isType && json.TokenType == JsonTokenType.String && json.ValueTextEquals("reasoning"u8);
            if (isContent)
            {
                var (start, isEmpty) = (at + json.TokenStartIndex, json.TokenType == JsonTokenType.Null || IsEmptyList(json));
                json.Skip();
                (hasContent, edit) = (true, isEmpty ? new BodyEdit(start, at + json.BytesConsumed - start, NoThoughts) : null);
            }

            json.Skip();
        }

        return !isReasoning ? null : hasContent ? edit : new BodyEdit(front, 0, NoThoughtsMember);
    }

    private static bool IsEmptyList(Utf8JsonReader json) => json.TokenType == JsonTokenType.StartArray && json.Read() && json.TokenType == JsonTokenType.EndArray;
}
