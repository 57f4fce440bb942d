namespace MlxGateway.ToolCalls;

/// <summary>
/// Reads messages that are JSON with <c>name</c> and <c>parameters</c>, one behind the other with a semicolon between them; <c>&lt;|python_tag|&gt;</c> may stand in front. And messages that are a list of
/// calls of Python and nothing else, as Llama 3.2 and 4 write them when they please: <c>[f(a=1), g()]</c>.
/// </summary>
internal sealed class Llama3Reader(ToolSet tools) : ICallReader
{
    private const string Tag = "<|python_tag|>";

    private JsonEnd _end;

    /// <inheritdoc/>
    public bool CanBegin(char first) => first is '<' or '{' or ';' or '[';

    /// <inheritdoc/>
    public CallReading Read(ReadOnlySpan<char> text, bool isFront, bool isEnd)
    {
        var reading = text[0] == '[' ? ReadList(text, isFront, isEnd) : ReadOn(text, isFront);
        _end = reading.Length > 0 ? default : _end;
        return reading;
    }

    // A list with words behind it is something said, so that nothing is certain before the end.
    private CallReading ReadList(ReadOnlySpan<char> text, bool isFront, bool isEnd)
    {
        var code = text[1..].TrimStart();
        if (!isFront || !MayCall(code))
        {
            return CallReading.Text();
        }

        return !isEnd ? CallReading.Undecided
            : PythonCalls.Read(text, tools) is { } calls ? CallReading.Of(text.Length, calls)
            : CallReading.Text(text.Length);
    }

    private bool MayCall(ReadOnlySpan<char> code)
    {
        if (tools.FindAtFrontOf(code) is { Name.Length: var length } && length < code.Length)
        {
            return code[length..].TrimStart() is [] or ['(', ..];
        }

        foreach (var tool in tools.All)
        {
            if (tool.Name.AsSpan().StartsWith(code))
            {
                return true;
            }
        }

        return false;
    }

    private CallReading ReadOn(ReadOnlySpan<char> text, bool isFront)
    {
        var json = text;
        if (text[0] == '<')
        {
            if (text.Length < Tag.Length)
            {
                return Tag.AsSpan().StartsWith(text) ? CallReading.Undecided : CallReading.Text();
            }

            if (!text.StartsWith(Tag))
            {
                return CallReading.Text();
            }

            json = text[Tag.Length..].TrimStart();
        }
        else if (!isFront)
        {
            return CallReading.Text(); // an object in the middle of what is said
        }
        else if (text[0] == ';')
        {
            json = text[1..].TrimStart();
        }

        if (json.IsEmpty)
        {
            return CallReading.Undecided;
        }

        if (json[0] != '{' || JsonCall.IsNone(json, tools))
        {
            return CallReading.Text();
        }

        var start = text.Length - json.Length;
        var end = _end.Find(text, start);
        return end < 0 ? CallReading.Undecided
            : JsonCall.Read(text[start..end], tools) is { } calls ? CallReading.Of(end, calls)
            : CallReading.Text(end);
    }
}
