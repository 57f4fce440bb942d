namespace MlxGateway.Supervision.Models;

/// <summary>Finds the file that gives a GGUF model eyes: <c>mmproj…gguf</c> beside it.</summary>
internal static class Projector
{
    /// <summary>The projector of a model's file; null if there is none, or if it may belong to another model in the same folder.</summary>
    public static string? Beside(string file)
    {
        var all = FileWalk.Find(Path.GetDirectoryName(file)!, ".gguf", depth: 0).Where(path => Disk.Length(path) is not null).ToList();
        var projector = all.Find(path => GgufName.Of(path).IsProjector);

        // A projector of another model makes the launch fail, so a folder of different models has none that could be trusted.
        return projector is not null && AreOfOneModel([.. all.Select(path => GgufName.Of(path)).Where(name => !name.IsProjector).Select(name => name.Stem)]) ? projector : null;
    }

    // Quantisations of one model begin alike and differ in their ends.
    private static bool AreOfOneModel(List<string> stems)
    {
        if (stems.Count == 0)
        {
            return false;
        }

        var first = stems[0];
        return stems.TrueForAll(stem => first.AsSpan().CommonPrefixLength(stem) * 2 >= Math.Max(first.Length, stem.Length));
    }
}
