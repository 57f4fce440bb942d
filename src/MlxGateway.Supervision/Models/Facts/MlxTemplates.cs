namespace MlxGateway.Supervision.Models.Facts;

/// <summary>The chat templates of a folder, wherever its tools have put them over the years.</summary>
internal static class MlxTemplates
{
    private const long LargestTemplate = 1 << 20;

    /// <summary>All of them: what is in <c>chat_template.jinja</c> alone if it is there, since the engines then read no other, and what lies beside it for other uses.</summary>
    public static IReadOnlyList<string> Of(string folder, TokenizerConfig tokenizer)
    {
        var more = FileWalk.Find(Path.Combine(folder, "additional_chat_templates"), ".jinja", depth: 0).Take(8).Select(file => Disk.Text(file, LargestTemplate)).OfType<string>();
        return Disk.Text(Path.Combine(folder, "chat_template.jinja"), LargestTemplate) is { } template ? [template, .. more]
            : tokenizer.Templates.Count > 0 ? [.. tokenizer.Templates, .. more]
            : Disk.Bytes(Path.Combine(folder, "chat_template.json"), LargestTemplate) is { } json ? [.. TokenizerConfig.Parse(json).Templates, .. more]
            : [.. more];
    }
}
