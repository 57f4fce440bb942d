namespace MlxGateway.Supervision.Models;

/// <summary>What follows for a model of <c>llama_server</c> from the files that its arguments name.</summary>
internal static class LlamaModel
{
    /// <summary>The model with the files that its arguments name: what they give it, and which are missing.</summary>
    public static ModelSpec WithItsFiles(ModelSpec model, FactsCache facts)
    {
        var arguments = new LlamaArguments(model);
        var attached = LlamaFiles.Of(arguments, model.WorkingDirectory, facts);
        model = model with { Attached = attached, Missing = model.Missing ?? LlamaFiles.Missing(attached) };
        if (attached.FirstOrDefault(file => file.As == Attachment.Projector) is { } projector)
        {
            return model with { Projector = null, ProjectorFacts = null, Modalities = facts.Projector(projector.Path) ?? Modality.Of(sees: true, hears: false) };
        }

        // Of what lies beside it, its files do not know that nobody wants it.
        return arguments.IsOn(LlamaFlags.UsesProjector) == false ? model with { Projector = null, ProjectorFacts = null, Modalities = Modality.TextAlone } : model;
    }

    /// <summary>The folders of the files that the arguments of a configured model name.</summary>
    public static IEnumerable<string> FoldersBeside(ModelOptions model, ModelSettings settings)
    {
        var folder = (model.WorkingDirectory is { } own ? PathText.Absolute(own, settings) : null) ?? Environment.CurrentDirectory;
        return model.Runner is null or KindNames.LlamaServer
            ? LlamaFiles.Named(new LlamaArguments(model.Args, new ValueMap(model.Env)), folder).Select(file => Path.GetDirectoryName(file.Path)).OfType<string>()
            : [];
    }
}
