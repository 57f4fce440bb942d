using System.Buffers;
using System.Text.Json;

namespace MlxGateway.ToolCalls;

/// <summary>Reads code that does nothing but call functions: <c>f(a, b=1)</c>, printed, put into a variable or in a list, one statement a line. Nothing is run; what is more than that is no call.</summary>
internal ref struct PythonCalls
{
    private readonly ToolSet _tools;
    private readonly List<FoundCall> _calls = [];
    private readonly List<string> _variables = [];
    private PythonText _code;

    private PythonCalls(ReadOnlySpan<char> code, ToolSet tools)
    {
        _code = new PythonText(code);
        _tools = tools;
    }

    /// <summary>Reads the code.</summary>
    /// <returns>Its calls; null: it has none, or something else too.</returns>
    public static IReadOnlyList<FoundCall>? Read(ReadOnlySpan<char> code, ToolSet tools)
    {
        var reader = new PythonCalls(code, tools);
        return reader.ReadAll() && reader._calls.Count > 0 ? reader._calls : null;
    }

    private bool ReadAll()
    {
        for (_code.SkipToStatement(); !_code.IsEmpty; _code.SkipToStatement())
        {
            if (!ReadStatement() || !_code.IsStatementEnd)
            {
                return false;
            }
        }

        return true;
    }

    private bool ReadStatement()
    {
        if (_code.TryTake('['))
        {
            return ReadUntil(']');
        }

        if (_tools.Find("print") is null && _code.TryTakeWord("print") && _code.TryTake('('))
        {
            return ReadUntil(')');
        }

        if (_tools.FindAtFrontOf(_code.Rest) is null && _code.TryTakeKeyword(out var variable))
        {
            _variables.Add(variable.ToString());
        }

        return ReadCall();
    }

    // Calls, and variables that stand for what was called before, with commas between them.
    private bool ReadUntil(char end)
    {
        while (!_code.TryTakeOnAnyLine(end))
        {
            if (!ReadVariable() && !ReadCall())
            {
                return false;
            }

            if (!_code.TryTakeOnAnyLine(',') && !_code.IsAt(end))
            {
                return false;
            }
        }

        return true;
    }

    private bool ReadVariable()
    {
        foreach (var variable in _variables)
        {
            if (_code.TryTakeWord(variable))
            {
                return true;
            }
        }

        return false;
    }

    private bool ReadCall()
    {
        _ = _code.TryTakeWord("await");
        _ = _code.TryTakeWord("default_api") && _code.TryTake('.');
        if (_tools.FindAtFrontOf(_code.Rest) is not { } tool)
        {
            return false;
        }

        _code.Skip(tool.Name.Length);
        var arguments = new ArrayBufferWriter<byte>(128);
        using (var json = new Utf8JsonWriter(arguments, new JsonWriterOptions { Encoder = CallJson.Encoder }))
        {
            if (!_code.TryTake('(') || !ReadArguments(tool, json))
            {
                return false;
            }
        }

        _calls.Add(new FoundCall(tool.Name, System.Text.Encoding.UTF8.GetString(arguments.WrittenSpan)));
        return true;
    }

    private bool ReadArguments(Tool tool, Utf8JsonWriter json)
    {
        var given = new HashSet<string>(StringComparer.Ordinal);
        json.WriteStartObject();
        for (var place = 0; !_code.TryTakeOnAnyLine(')'); place++)
        {
            var name = _code.TryTakeKeyword(out var keyword) ? keyword.ToString() : place < tool.Parameters.Count && given.Count == place ? tool.Parameters[place].Name : null;
            if (name is null || !given.Add(name))
            {
                return false;
            }

            // As the signature has it that the model was shown, None stands for what is not given.
            if (_code.IsAtWord("None") && tool.Parameters.Any(parameter => parameter.Name == name && !parameter.IsRequired))
            {
                _code.Skip("None".Length);
            }
            else
            {
                json.WritePropertyName(name);
                if (!PythonValue.TryWrite(ref _code, json))
                {
                    return false;
                }
            }

            if (!_code.TryTakeOnAnyLine(',') && !_code.IsAt(')'))
            {
                return false;
            }
        }

        json.WriteEndObject();
        return true;
    }
}
