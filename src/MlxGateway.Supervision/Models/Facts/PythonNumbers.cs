namespace MlxGateway.Supervision.Models.Facts;

/// <summary>Makes JSON of what Python's <c>json</c> writes for infinities and NaN, which is none.</summary>
internal static class PythonNumbers
{
    /// <summary>A copy of the text in which they are no numbers any more, as long as it was; null if there are none.</summary>
    public static byte[]? Replace(ReadOnlySpan<byte> text)
    {
        byte[]? copy = null;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '"')
            {
                i = EndOfText(text, i);
                continue;
            }

            var rest = text[i..];
            var (length, instead) = rest.StartsWith("-Infinity"u8) ? (9, "null     "u8.ToArray()) : rest.StartsWith("Infinity"u8) ? (8, "null    "u8.ToArray()) : rest.StartsWith("NaN"u8) ? (3, "\"\" "u8.ToArray()) : default;
            if (length > 0)
            {
                instead.CopyTo(copy ??= text.ToArray(), i);
                i += length - 1;
            }
        }

        return copy;
    }

    private static int EndOfText(ReadOnlySpan<byte> text, int at)
    {
        for (at++; at < text.Length && text[at] != '"'; at++)
        {
            at += text[at] == '\\' ? 1 : 0;
        }

        return at;
    }
}
