namespace MlxGateway.ToolCalls;

/// <summary>Reads JSON between <c>&lt;tool_call&gt;</c> and <c>&lt;/tool_call&gt;</c>.</summary>
internal sealed class HermesReader(ToolSet tools) : ICallReader
{
    private const string Opening = "<tool_call>";
    private const string Closing = "</tool_call>";

    private JsonEnd _end;

    /// <inheritdoc/>
    public bool CanBegin(char first) => first == '<';

    /// <inheritdoc/>
    public CallReading Read(ReadOnlySpan<char> text, bool isFront, bool isEnd)
    {
        var reading = ReadOn(text, isEnd);
        _end = reading.Length > 0 ? default : _end;
        return reading;
    }

    private CallReading ReadOn(ReadOnlySpan<char> text, bool isEnd)
    {
        if (text.Length < Opening.Length)
        {
            return Opening.AsSpan().StartsWith(text) ? CallReading.Undecided : CallReading.Text();
        }

        var json = text[Math.Min(Opening.Length, text.Length)..].TrimStart();
        if (!text.StartsWith(Opening) || (!json.IsEmpty && (json[0] != '{' || JsonCall.IsNone(json, tools))))
        {
            return CallReading.Text();
        }

        var start = text.Length - json.Length;
        var end = json.IsEmpty ? -1 : _end.Find(text, start);
        if (end < 0)
        {
            return CallReading.Undecided;
        }

        // A model that stops behind the object has said all of its call.
        var behind = text[end..].TrimStart();
        if (!behind.StartsWith(Closing))
        {
            return !Closing.AsSpan().StartsWith(behind) ? CallReading.Text(end)
                : !isEnd ? CallReading.Undecided
                : JsonCall.Read(text[start..end], tools) is { } last ? CallReading.Of(text.Length, last)
                : CallReading.Text(text.Length);
        }

        var whole = text.Length - behind.Length + Closing.Length;
        return JsonCall.Read(text[start..end], tools) is { } calls ? CallReading.Of(whole, calls) : CallReading.Text(whole);
    }
}
