using System.Buffers;
using System.Text.Json;
using MlxGateway.Inference;

namespace MlxGateway.RemoteImages;

/// <summary>Finds the images that a body names by their addresses.</summary>
internal static class ImageParts
{
    /// <summary>Whether a body is worth a closer look. Searches for bytes only, which costs next to nothing.</summary>
    public static bool MayBeIn(in ReadOnlySequence<byte> body) =>
        Contains(body, "image_url"u8) || Contains(body, "\"url\""u8)

        // A letter of these names may be written as an escape, and the engine would read it all the same.
        || (Contains(body, @"\u00"u8) && (Contains(body, @"\u005"u8) || Contains(body, @"\u006"u8) || Contains(body, @"\u007"u8)));

    /// <summary>The images, in order. Those that are in the body as data are not among them. The body has been checked: it is one JSON object.</summary>
    /// <param name="body">The body.</param>
    /// <param name="skipped">How many bytes in front are no JSON.</param>
    /// <exception cref="InvalidOperationException">An address holds an escape that stands for no character.</exception>
    public static List<ImagePart> Find(in ReadOnlySequence<byte> body, int skipped)
    {
        var found = new List<ImagePart>();
        var json = new Utf8JsonReader(body.Slice(skipped), isFinalBlock: true, new JsonReaderState(new JsonReaderOptions { MaxDepth = TopLevelFields.MaxDepth }));
        var param = string.Empty;
        while (json.Read())
        {
            if (json.TokenType != JsonTokenType.PropertyName)
            {
                continue;
            }

            if (json.CurrentDepth == 1)
            {
                param = json.ValueTextEquals("messages"u8) ? "messages" : json.ValueTextEquals("input"u8) ? "input" : string.Empty;
                if (param.Length == 0)
                {
                    json.Skip();
                }
            }
            else if (json.ValueTextEquals("input"u8) || json.ValueTextEquals("arguments"u8))
            {
                json.Skip(); // what a tool was called with is the tool's own
            }
            else if (json.ValueTextEquals("image_url"u8))
            {
                json.Read();
                AddUrl(ref json, skipped, param, found);
            }
            else if (json.ValueTextEquals("source"u8))
            {
                json.Read();
                AddSource(ref json, skipped, param, found);
            }
        }

        return found;
    }

    // The text itself, or the member of an object. Each of several members of that name counts, because engines differ in which one they take.
    private static void AddUrl(ref Utf8JsonReader json, int skipped, string param, List<ImagePart> found)
    {
        if (json.TokenType == JsonTokenType.String)
        {
            AddText(ref json, skipped, param, found);
            return;
        }

        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var isUrl = json.ValueTextEquals("url"u8);
            json.Read();
            if (isUrl && json.TokenType == JsonTokenType.String)
            {
                AddText(ref json, skipped, param, found);
            }

            json.Skip();
        }
    }

    private static void AddText(ref Utf8JsonReader json, int skipped, string param, List<ImagePart> found)
    {
        if (!IsData(ref json))
        {
            found.Add(new ImagePart(skipped + json.TokenStartIndex, json.BytesConsumed - json.TokenStartIndex, json.GetString()!, param, IsSource: false));
        }
    }

    private static void AddSource(ref Utf8JsonReader json, int skipped, string param, List<ImagePart> found)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            json.Skip();
            return;
        }

        var start = json.TokenStartIndex;
        string? url = null;
        var isUrl = false;
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var (isType, isAddress) = (json.ValueTextEquals("type"u8), json.ValueTextEquals("url"u8));
            json.Read();
            if (json.TokenType == JsonTokenType.String)
            {
                isUrl |= isType && json.ValueTextEquals("url"u8);
                url = isAddress ? json.GetString() : url;
            }

            json.Skip();
        }

        if (isUrl && url is not null)
        {
            found.Add(new ImagePart(skipped + start, json.BytesConsumed - start, url, param, IsSource: true));
        }
    }

    // Without making a text of what may be many megabytes.
    private static bool IsData(ref Utf8JsonReader json)
    {
        Span<byte> start = stackalloc byte[5];
        var length = json.HasValueSequence ? json.ValueSequence.Length : json.ValueSpan.Length;
        if (length < start.Length)
        {
            return false;
        }

        if (json.HasValueSequence)
        {
            json.ValueSequence.Slice(0, start.Length).CopyTo(start);
        }
        else
        {
            json.ValueSpan[..start.Length].CopyTo(start);
        }

        return System.Text.Ascii.EqualsIgnoreCase(start, "data:"u8);
    }

    private static bool Contains(in ReadOnlySequence<byte> body, ReadOnlySpan<byte> bytes) =>
        body.IsSingleSegment ? body.FirstSpan.IndexOf(bytes) >= 0 : new SequenceReader<byte>(body).TryReadTo(out ReadOnlySequence<byte> _, bytes);
}
