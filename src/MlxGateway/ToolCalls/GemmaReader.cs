namespace MlxGateway.ToolCalls;

/// <summary>Reads blocks of <c>tool_code</c>: calls of Python.</summary>
internal sealed class GemmaReader(ToolSet tools) : ICallReader
{
    private const string Opening = "```tool_code";
    private const string Closing = "```";

    private CodeEnd _end;

    /// <inheritdoc/>
    public bool CanBegin(char first) => first == '`';

    /// <inheritdoc/>
    public CallReading Read(ReadOnlySpan<char> text, bool isFront, bool isEnd)
    {
        var reading = ReadOn(text);
        _end = reading.Length > 0 ? default : _end;
        return reading;
    }

    private CallReading ReadOn(ReadOnlySpan<char> text)
    {
        if (text.Length <= Opening.Length)
        {
            return Opening.AsSpan().StartsWith(text) ? CallReading.Undecided : CallReading.Text();
        }

        if (!text.StartsWith(Opening) || !char.IsWhiteSpace(text[Opening.Length]))
        {
            return CallReading.Text();
        }

        var end = _end.Find(text, Opening.Length);
        return _end.IsBroken ? CallReading.Text()
            : end < 0 ? CallReading.Undecided
            : PythonCalls.Read(text[Opening.Length..end], tools) is { } calls ? CallReading.Of(end + Closing.Length, calls)
            : CallReading.Text(end + Closing.Length);
    }
}
