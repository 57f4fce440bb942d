using System.Text;

namespace MlxGateway.Inference.Bodies;

/// <summary>What the headers of a form's part say about it.</summary>
internal static class PartHeaders
{
    /// <summary>The name of the field, or null, and whether it is a file.</summary>
    public static (string? Name, bool IsFile) Read(ReadOnlySpan<byte> headers)
    {
        foreach (var line in Encoding.UTF8.GetString(headers).Replace("\r\n ", " ", StringComparison.Ordinal).Replace("\r\n\t", " ", StringComparison.Ordinal).Split("\r\n"))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0 && line.AsSpan(0, colon).Trim().Equals("Content-Disposition", StringComparison.OrdinalIgnoreCase))
            {
                return Disposition(line.AsSpan(colon + 1));
            }
        }

        return (null, false);
    }

    private static (string? Name, bool IsFile) Disposition(ReadOnlySpan<char> rest)
    {
        var (name, isFile) = (default(string), false);
        var semicolon = rest.IndexOf(';');
        while (semicolon >= 0)
        {
            rest = rest[(semicolon + 1)..].TrimStart();
            var equals = rest.IndexOf('=');
            if (equals < 0)
            {
                break;
            }

            var key = rest[..equals].Trim();
            rest = rest[(equals + 1)..].TrimStart();
            var value = TakeValue(ref rest);
            isFile |= key.Equals("filename", StringComparison.OrdinalIgnoreCase) || key.Equals("filename*", StringComparison.OrdinalIgnoreCase);
            name = name is null && key.Equals("name", StringComparison.OrdinalIgnoreCase) ? value : name;
            semicolon = rest.IndexOf(';');
        }

        return (name, isFile);
    }

    private static string TakeValue(ref ReadOnlySpan<char> rest)
    {
        if (rest is not ['"', ..])
        {
            var end = rest.IndexOf(';');
            var token = (end < 0 ? rest : rest[..end]).Trim();
            rest = end < 0 ? default : rest[end..];
            return token.ToString();
        }

        var text = new StringBuilder();
        var i = 1;
        for (; i < rest.Length && rest[i] != '"'; i++)
        {
            if (rest[i] == '\\' && i + 1 < rest.Length && rest[i + 1] is '"' or '\\')
            {
                i++;
            }

            text.Append(rest[i]);
        }

        rest = rest[Math.Min(i + 1, rest.Length)..];
        return text.ToString();
    }
}
