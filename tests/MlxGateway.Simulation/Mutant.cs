namespace MlxGateway.Simulation;

/// <summary>
/// A deliberate fault: a text that is found exactly once in the sources of a folder, and what stands in its place. No file is named and white space does not count, so it survives
/// edits nearby and code that moves; where the text is not found, that is an error.
/// </summary>
internal static class Mutant
{
    private const string Old = "--- old";
    private const string New = "--- new";

    /// <summary>Applies it. 0: done; 1: its text is not there exactly once.</summary>
    public static int Apply(string mutant, string folder)
    {
        var lines = File.ReadAllLines(mutant);
        var at = Array.IndexOf(lines, Old);
        var then = Array.IndexOf(lines, New);
        var old = Words(string.Join('\n', lines[(at + 1)..then]));
        var replacement = string.Join('\n', lines[(then + 1)..]);
        var found = new List<(string File, string Text, int Start, int End)>();
        foreach (var file in Directory.EnumerateFiles(folder, "*.cs"))
        {
            var text = File.ReadAllText(file);
            found.AddRange(PlacesOf(old, text).Select(place => (file, text, place.Start, place.End)));
        }

        if (old.Length == 0 || found is not [var (target, whole, start, end)])
        {
            Console.Error.WriteLine($"{Path.GetFileName(mutant)}: its text was found {found.Count} times.");
            return 1;
        }

        File.WriteAllText(target, whole[..start] + replacement + whole[end..]);
        return 0;
    }

    private static string Words(string text) => string.Concat(text.Where(c => !char.IsWhiteSpace(c)));

    private static IEnumerable<(int Start, int End)> PlacesOf(string words, string text)
    {
        // Where each letter that is no white space stands.
        var places = Enumerable.Range(0, text.Length).Where(i => !char.IsWhiteSpace(text[i])).ToArray();
        var dense = Words(text);
        for (var at = dense.IndexOf(words, StringComparison.Ordinal); at >= 0; at = dense.IndexOf(words, at + 1, StringComparison.Ordinal))
        {
            yield return (places[at], places[at + words.Length - 1] + 1);
        }
    }
}
