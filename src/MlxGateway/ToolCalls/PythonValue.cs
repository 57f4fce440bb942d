using System.Globalization;
using System.Text.Json;

namespace MlxGateway.ToolCalls;

/// <summary>Reads a value that is written out in Python, and writes it as JSON.</summary>
internal static class PythonValue
{
    private const int Deepest = 48; // JSON readers give up at 64
    private const int LongestNumber = 64;

    /// <summary>Reads the value that comes next.</summary>
    /// <returns>False: it is none that stands for itself, such as a name or a sum.</returns>
    public static bool TryWrite(ref PythonText code, Utf8JsonWriter json)
    {
        code.SkipBlankLines();
        if (code.IsEmpty || json.CurrentDepth > Deepest)
        {
            return false;
        }

        switch (code.Rest[0])
        {
            case '[':
                return TryWriteList(ref code, json, ']');
            case '(':
                return TryWriteList(ref code, json, ')');
            case '{':
                return TryWriteMap(ref code, json);
            case '-' or '+' or '.' or (>= '0' and <= '9'):
                return TryWriteNumber(ref code, json);
            case var c when TryTakeConstant(ref code, out var constant):
                json.WriteRawValue(constant);
                return true;
            default:
                if (!PythonString.TryRead(ref code, out var text))
                {
                    return false;
                }

                json.WriteStringValue(text);
                return true;
        }
    }

    private static bool TryTakeConstant(ref PythonText code, out string json)
    {
        json = code.TryTakeWord("True") || code.TryTakeWord("true") ? "true"
            : code.TryTakeWord("False") || code.TryTakeWord("false") ? "false"
            : code.TryTakeWord("None") || code.TryTakeWord("null") ? "null"
            : "";
        return json.Length > 0;
    }

    private static bool TryWriteList(ref PythonText code, Utf8JsonWriter json, char end)
    {
        code.Skip(1);
        json.WriteStartArray();
        while (!code.TryTakeOnAnyLine(end))
        {
            if (!TryWrite(ref code, json) || (!code.TryTakeOnAnyLine(',') && !code.IsAt(end)))
            {
                return false;
            }
        }

        json.WriteEndArray();
        return true;
    }

    private static bool TryWriteMap(ref PythonText code, Utf8JsonWriter json)
    {
        code.Skip(1);
        json.WriteStartObject();
        while (!code.TryTakeOnAnyLine('}'))
        {
            if (!PythonString.TryRead(ref code, out var name) || !code.TryTakeOnAnyLine(':'))
            {
                return false;
            }

            json.WritePropertyName(name);
            if (!TryWrite(ref code, json) || (!code.TryTakeOnAnyLine(',') && !code.IsAt('}')))
            {
                return false;
            }
        }

        json.WriteEndObject();
        return true;
    }

    private static bool TryWriteNumber(ref PythonText code, Utf8JsonWriter json)
    {
        var length = 1;
        while (length < code.Rest.Length && (char.IsAsciiLetterOrDigit(code.Rest[length]) || code.Rest[length] is '.' or '_' || (code.Rest[length] is '-' or '+' && code.Rest[length - 1] is 'e' or 'E')))
        {
            length++;
        }

        var digits = code.Rest[..length].TrimStart('+').ToString().Replace("_", "", StringComparison.Ordinal);
        code.Skip(length);
        if (length > LongestNumber)
        {
            return false;
        }

        if (System.Numerics.BigInteger.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole))
        {
            json.WriteRawValue(whole.ToString(CultureInfo.InvariantCulture));
            return true;
        }

        if (!double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) || !double.IsFinite(number))
        {
            return false;
        }

        json.WriteNumberValue(number);
        return true;
    }
}
