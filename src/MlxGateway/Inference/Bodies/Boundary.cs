namespace MlxGateway.Inference.Bodies;

/// <summary>What a <c>Content-Type</c> says about a form.</summary>
internal static class Boundary
{
    // The standard says 70; nobody is hurt by clients that do not know.
    private const int Longest = 200;

    /// <summary>Whether the body is a form in parts.</summary>
    public static bool IsForm(string? contentType) =>
        contentType is not null && contentType.AsSpan().TrimStart().StartsWith("multipart/form-data", StringComparison.OrdinalIgnoreCase);

    /// <summary>The boundary of its parts, quoted or not, or null. Clients also leave the quotes away where the standard wants them.</summary>
    public static string? Of(string contentType)
    {
        var rest = contentType.AsSpan();
        while (rest.IndexOf(';') is var semicolon and >= 0)
        {
            rest = rest[(semicolon + 1)..].TrimStart(" \t");
            if (!rest.StartsWith("boundary", StringComparison.OrdinalIgnoreCase) || rest["boundary".Length..].TrimStart(" \t") is not ['=', .. var value])
            {
                continue;
            }

            value = value.TrimStart(" \t");
            var end = value is ['"', ..] ? value[1..].IndexOf('"') : value.IndexOf(';');
            var boundary = value is ['"', ..] ? (end < 0 ? default : value[1..(end + 1)]) : (end < 0 ? value : value[..end]).TrimEnd(" \t");
            return boundary.Length is > 0 and <= Longest && !boundary.ContainsAnyExceptInRange(' ', '~') ? boundary.ToString() : null;
        }

        return null;
    }
}
