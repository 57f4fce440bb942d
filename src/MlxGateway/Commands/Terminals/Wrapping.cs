namespace MlxGateway.Commands.Terminals;

/// <summary>Breaks words into lines.</summary>
internal static class Wrapping
{
    /// <summary>Lines of at most so many letters; a word that is longer is broken.</summary>
    public static IEnumerable<string> Lines(string text, int width)
    {
        foreach (var paragraph in text.Split('\n'))
        {
            var rest = paragraph.TrimEnd();
            while (rest.Length > width)
            {
                var at = rest.LastIndexOf(' ', width);
                var end = at > 0 ? at : width;
                yield return rest[..end].TrimEnd();
                rest = rest[end..].TrimStart();
            }

            yield return rest;
        }
    }
}
