namespace MlxGateway.ToolCalls;

/// <summary>Reads what stands behind <c>[TOOL_CALLS]</c>: a list of calls in JSON, or a name, <c>[ARGS]</c> and the arguments.</summary>
internal sealed class MistralReader(ToolSet tools) : ICallReader
{
    private const string Opening = "[TOOL_CALLS]";
    private const string Arguments = "[ARGS]";
    private const int LongestHead = 256; // a name, and an id between it and the arguments

    private JsonEnd _end;

    /// <inheritdoc/>
    public bool CanBegin(char first) => first == '[';

    /// <inheritdoc/>
    public CallReading Read(ReadOnlySpan<char> text, bool isFront, bool isEnd)
    {
        var reading = ReadOn(text);
        _end = reading.Length > 0 ? default : _end;
        return reading;
    }

    private CallReading ReadOn(ReadOnlySpan<char> text)
    {
        if (text.Length < Opening.Length)
        {
            return Opening.AsSpan().StartsWith(text) ? CallReading.Undecided : CallReading.Text();
        }

        if (!text.StartsWith(Opening))
        {
            return CallReading.Text();
        }

        var rest = text[Opening.Length..].TrimStart();
        return rest.IsEmpty ? CallReading.Undecided
            : rest[0] is '[' or '{' ? ReadList(text, text.Length - rest.Length)
            : ReadNamed(text, text.Length - rest.Length);
    }

    private CallReading ReadList(ReadOnlySpan<char> text, int start)
    {
        var first = text[start..].TrimStart("[ \t\r\n");
        if (!first.IsEmpty && (first[0] != '{' || JsonCall.IsNone(first, tools)))
        {
            return CallReading.Text();
        }

        var end = _end.Find(text, start);
        return end < 0 ? CallReading.Undecided
            : JsonCall.Read(text[start..end], tools) is { } calls ? CallReading.Of(end, calls)
            : CallReading.Text(end);
    }

    private CallReading ReadNamed(ReadOnlySpan<char> text, int start)
    {
        var head = text[start..];
        var at = head.IndexOf(Arguments);
        if (at < 0)
        {
            return head.Length > LongestHead || head.Contains('\n') ? CallReading.Text() : CallReading.Undecided;
        }

        var name = head[..at];
        name = (name.IndexOf('[') is >= 0 and var id ? name[..id] : name).Trim();
        var json = head[(at + Arguments.Length)..].TrimStart();
        if (tools.Find(name) is not { } tool || (!json.IsEmpty && json[0] != '{'))
        {
            return CallReading.Text();
        }

        if (json.IsEmpty)
        {
            return CallReading.Undecided;
        }

        var from = text.Length - json.Length;
        var end = _end.Find(text, from);
        return end < 0 ? CallReading.Undecided
            : text[from..end].ToString() is var arguments && JsonCall.IsObject(arguments) ? CallReading.Of(end, new FoundCall(tool.Name, arguments))
            : CallReading.Text(end);
    }
}
