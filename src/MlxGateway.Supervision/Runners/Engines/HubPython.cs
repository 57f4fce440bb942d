namespace MlxGateway.Supervision.Runners.Engines;

/// <summary>Finds a Python that can fetch models from the Hub: those of the MLX engines can, and any other that has <c>huggingface_hub</c>.</summary>
internal sealed class HubPython(EngineOptions options, PythonSearch search)
{
    private const string Module = "huggingface_hub";

    /// <summary>Looks for it. Where a Python is configured for an engine, only that one and those configured for others are taken: whoever named it means it.</summary>
    public async Task<EngineReport> FindAsync(CancellationToken cancellationToken)
    {
        var passedOver = new List<string>();
        EngineReport? last = null;
        foreach (var configured in new[] { options.MlxLm.Python, options.MlxVlm.Python, options.MlcLlm.Python }.OfType<string>().Distinct(StringComparer.Ordinal).Cast<string?>().DefaultIfEmpty(null))
        {
            last = await search.FindAsync(Module, script: "hf", configured, cancellationToken);
            if (last.IsFound)
            {
                return last;
            }

            passedOver.AddRange(last.PassedOver);
        }

        return last! with { PassedOver = passedOver };
    }
}
