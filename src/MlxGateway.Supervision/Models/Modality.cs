namespace MlxGateway.Supervision.Models;

/// <summary>What a model may be sent.</summary>
public static class Modality
{
    /// <summary>Text: every model.</summary>
    public const string Text = "text";

    /// <summary>Images.</summary>
    public const string Image = "image";

    /// <summary>Sound.</summary>
    public const string Audio = "audio";

    internal static readonly ValueList<string> TextAlone = [Text];

    internal static ValueList<string> Of(bool sees, bool hears) => (sees, hears) switch
    {
        (false, false) => TextAlone,
        (true, false) => [Text, Image],
        (false, true) => [Text, Audio],
        _ => [Text, Image, Audio],
    };
}
