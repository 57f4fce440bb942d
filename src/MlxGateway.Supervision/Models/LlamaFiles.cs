namespace MlxGateway.Supervision.Models;

/// <summary>The files that arguments of <c>llama-server</c> name beside the model's own. The program would say of a missing one only that it could not load, and only after it has loaded the model.</summary>
internal static class LlamaFiles
{
    private static readonly (LlamaFlag Flag, Attachment As, bool IsScaled)[] Flags =
    [
        (LlamaFlags.Lora, Attachment.Adapter, false), (LlamaFlags.LoraScaled, Attachment.Adapter, true),
        (LlamaFlags.ControlVector, Attachment.Adapter, false), (LlamaFlags.ControlVectorScaled, Attachment.Adapter, true),
    ];

    /// <summary>The files that are named, in no particular order, whether they are there or not.</summary>
    /// <param name="arguments">What the user said.</param>
    /// <param name="folder">Where the program is started, absolute; relative paths begin there.</param>
    public static IEnumerable<(Attachment As, string Path)> Named(LlamaArguments arguments, string folder)
    {
        if (arguments.IsOn(LlamaFlags.UsesProjector) != false && arguments.Text(LlamaFlags.Projector) is { } projector && Absolute(projector) is { } eyes)
        {
            yield return (Attachment.Projector, eyes);
        }

        if (arguments.Text(LlamaFlags.Draft) is { } draft && Absolute(draft) is { } guesser)
        {
            yield return (Attachment.Draft, guesser);
        }

        foreach (var (flag, what, isScaled) in Flags)
        {
            foreach (var path in arguments.Texts(flag).SelectMany(value => Several(value, isScaled, Absolute)))
            {
                yield return (what, path);
            }
        }

        string? Absolute(string path) => path.Length == 0 || path.Contains('\0', StringComparison.Ordinal) ? null : Path.GetFullPath(path, folder);
    }

    /// <summary>The files that are named, with what can be known of them.</summary>
    /// <param name="arguments">What the user said.</param>
    /// <param name="folder">Where the program is started, absolute; null: where the gateway was.</param>
    /// <param name="facts">Reads them.</param>
    public static ValueList<AttachedFile> Of(LlamaArguments arguments, string? folder, FactsCache facts) =>
        ValueList.From(Named(arguments, folder ?? Environment.CurrentDirectory).Distinct().Select(named => Of(named.As, named.Path, facts)));

    /// <summary>What is missing of them, as a sentence; null: nothing.</summary>
    public static string? Missing(ValueList<AttachedFile> files) =>
        files.FirstOrDefault(file => file.Fault is not null) is { } lacking ? $"{ResolvedSource.Sentence(lacking.Fault!)} It is named in Args." : null;

    private static AttachedFile Of(Attachment what, string path, FactsCache facts)
    {
        var series = GgufName.Of(path).SeriesOf(path).Select(file => (file, length: Disk.Length(file))).ToList();
        var absent = series.Find(file => file.length is null).file;
        if ((absent ?? series.Find(file => !Disk.CanRead(file.file)).file) is { } lacking)
        {
            return new AttachedFile(what, path, null) { Fault = absent is null ? $"the file {lacking} cannot be read by the user that the gateway runs as" : $"the file {lacking} does not exist or is empty" };
        }

        // Of an adapter nothing but its size is of interest, and older ones are no GGUF files.
        var read = what == Attachment.Adapter ? null : facts.Gguf(path);
        return new AttachedFile(what, path, new ByteSize(series.Sum(file => file.length!.Value))) { Facts = read?.Facts, Fault = read?.Fault };
    }

    // Several files stand between commas, and with a scale it is FILE:SCALE. Older versions know no commas and take a file that has one in its name.
    private static IEnumerable<string> Several(string value, bool isScaled, Func<string, string?> absolute)
    {
        if (!isScaled && absolute(value) is { } whole && File.Exists(whole))
        {
            return [whole];
        }

        return value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(one => isScaled && one.LastIndexOf(':') is > 0 and var colon ? one[..colon] : one)
            .Select(absolute).OfType<string>();
    }
}
