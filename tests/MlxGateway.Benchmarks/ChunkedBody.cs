using System.Globalization;
using System.Text;

namespace MlxGateway.Benchmarks;

/// <summary>Takes the content out of a response in chunks, whatever pieces it comes in.</summary>
internal sealed class ChunkedBody
{
    private readonly StringBuilder _text = new();
    private bool _inBody;
    private long _left;

    /// <summary>Whether the last chunk has come.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Takes the next piece of content off the front. False: there is none in these bytes any more.</summary>
    /// <exception cref="InvalidDataException">It is no good response.</exception>
    public bool TryTake(ref ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> content)
    {
        while (!bytes.IsEmpty && !IsOver)
        {
            if (_left > 0)
            {
                content = bytes[..(int)Math.Min(_left, bytes.Length)];
                bytes = bytes[content.Length..];
                _left -= content.Length;
                return true;
            }

            var next = (char)bytes[0];
            bytes = bytes[1..];
            _text.Append(next);
            if (next == '\n')
            {
                EndLine();
            }
        }

        content = default;
        return false;
    }

    // Heads and sizes are few bytes beside the content: they may be read slowly.
    private void EndLine()
    {
        var text = _text.ToString();
        if (!_inBody)
        {
            if (text.EndsWith("\r\n\r\n", StringComparison.Ordinal))
            {
                _inBody = text.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal) && text.Contains("Transfer-Encoding: chunked", StringComparison.OrdinalIgnoreCase)
                    ? true
                    : throw new InvalidDataException($"No stream: {text}");
                _text.Clear();
            }

            return;
        }

        _text.Clear();
        if (text.Length > 2)
        {
            _left = long.Parse(text.AsSpan(0, text.Length - 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            IsOver = _left == 0;
        }
    }
}
