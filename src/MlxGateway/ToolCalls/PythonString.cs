using System.Globalization;
using System.Text;

namespace MlxGateway.ToolCalls;

/// <summary>Reads the texts of Python: in simple and double quotes, in one or three of them, raw ones, and several that stand side by side.</summary>
internal static class PythonString
{
    /// <summary>Reads the text that comes next.</summary>
    /// <returns>False: there is none, or it is one that has to be computed or holds bytes.</returns>
    public static bool TryRead(ref PythonText code, out string text)
    {
        var whole = new StringBuilder();
        var count = 0;
        while (TryReadOne(ref code, whole))
        {
            count++;
            code.SkipBlankLines();
        }

        text = whole.ToString();
        return count > 0 && !code.IsAt('"') && !code.IsAt('\'');
    }

    private static bool TryReadOne(ref PythonText code, StringBuilder to)
    {
        var rest = code.Rest;
        var isRaw = rest is ['r' or 'R', '"' or '\'', ..];
        rest = isRaw || rest is ['u' or 'U', '"' or '\'', ..] ? rest[1..] : rest;
        if (rest is not ['"' or '\'', ..])
        {
            return false;
        }

        var quote = rest[0];
        var isLong = rest is [_, var second, var third, ..] && second == quote && third == quote;
        rest = rest[(isLong ? 3 : 1)..];
        while (!rest.IsEmpty && !(rest[0] == quote && (!isLong || rest is [_, var b, var c, ..] && b == quote && c == quote)))
        {
            if (rest[0] == '\n' && !isLong)
            {
                return false;
            }

            if (rest[0] != '\\' || rest.Length == 1)
            {
                to.Append(rest[0]);
                rest = rest[1..];
            }
            else if (isRaw)
            {
                to.Append(rest[..2]);
                rest = rest[2..];
            }
            else if (!TryTakeEscape(ref rest, to))
            {
                return false;
            }
        }

        if (rest.IsEmpty)
        {
            return false;
        }

        code.Skip(code.Rest.Length - rest.Length + (isLong ? 3 : 1));
        return true;
    }

    private static bool TryTakeEscape(ref ReadOnlySpan<char> rest, StringBuilder to)
    {
        var digits = rest[1] switch { 'x' => 2, 'u' => 4, 'U' => 8, _ => 0 };
        if (digits > 0)
        {
            if (rest.Length < 2 + digits || !int.TryParse(rest.Slice(2, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) || code is < 0 or > 0x10FFFF)
            {
                return false;
            }

            // Half a pair may stand beside its other half.
            _ = code > char.MaxValue ? to.Append(char.ConvertFromUtf32(code)) : to.Append((char)code);
            rest = rest[(2 + digits)..];
            return true;
        }

        var plain = rest[1] switch
        {
            'n' => "\n",
            't' => "\t",
            'r' => "\r",
            'b' => "\b",
            'f' => "\f",
            'v' => "\v",
            'a' => "\a",
            '0' => "\0",
            '\n' => "",
            '\\' => "\\",
            '\'' => "'",
            '"' => "\"",
            _ => null,
        };
        _ = plain is null ? to.Append(rest[..2]) : to.Append(plain); // what is no escape stays as it is, as in Python
        rest = rest[2..];
        return true;
    }
}
