namespace MlxGateway.Tests.ToolCalls;

/// <summary>Texts in pieces, none of which ends in the middle of a character.</summary>
internal static class RandomPieces
{
    /// <summary>Cuts a text anywhere.</summary>
    public static IEnumerable<string> Of(string text, Random random)
    {
        var longest = random.Next(1, 30);
        var pieces = new List<string>();
        for (var at = 0; at < text.Length;)
        {
            var length = Math.Min(random.Next(1, longest + 1), text.Length - at);
            pieces.Add(text.Substring(at, length));
            at += length;
        }

        return WithoutHalves(pieces);
    }

    /// <summary>The pieces with the second half of a character beside its first.</summary>
    public static IEnumerable<string> WithoutHalves(IEnumerable<string> pieces)
    {
        var half = "";
        foreach (var piece in pieces)
        {
            var whole = half + piece;
            half = char.IsHighSurrogate(whole[^1]) ? whole[^1..] : "";
            yield return whole[..^half.Length];
        }
    }
}
