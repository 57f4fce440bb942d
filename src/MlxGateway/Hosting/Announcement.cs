using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using MlxGateway.Supervision.Runners.Engines;

namespace MlxGateway.Hosting;

/// <summary>What the gateway says of itself once it serves: where, with which engines and models, in how much memory, and what to do first.</summary>
internal static class Announcement
{
    private const int ShownModels = 8;
    private const int ShownPassedOver = 2;

    /// <param name="address">Where it listens.</param>
    /// <param name="engines">What the search for engines found.</param>
    /// <param name="models">What is in the catalog.</param>
    /// <param name="budget">Where the memory budget comes from, in words.</param>
    /// <param name="wantsKey">Whether nobody is served without a key.</param>
    public static string Write(string address, IReadOnlyList<EngineReport> engines, IReadOnlyList<ModelSpec> models, string budget, bool wantsKey = false)
    {
        var lines = new List<string> { $"MlxGateway serves on {address}" };
        foreach (var engine in engines)
        {
            lines.Add(engine.IsFound
                ? $"  Engine   {engine.Engine} {engine.Version} ({engine.Path})"
                : $"  Engine   {engine.Engine} was not found; {engine.Advice}");
            var passedOver = engine.UnexpectedlyPassedOver.ToList();
            lines.AddRange(passedOver.Take(ShownPassedOver).Select(why => $"           passed over {why}"));
            if (passedOver.Count > ShownPassedOver)
            {
                lines.Add($"           and {passedOver.Count - ShownPassedOver} more");
            }
        }

        var servable = models.Where(m => m.Missing is null).ToList();
        var missing = models.Where(m => m.Missing is not null).ToList();
        lines.Add($"  Models   {(servable.Count == 0 ? "none" : Names(servable))}");
        if (missing.Count > 0)
        {
            lines.Add($"           {Names(missing)}: files are missing; {missing[0].Missing}");
        }

        lines.Add($"  Memory   {budget}");
        if (servable.Exists(m => m.Origin == ModelOrigin.Demonstration))
        {
            lines.Add("  No real model can be served yet, so these are a demonstration and not a language model: they say the same whatever they are asked.");
            lines.Add($"  For real answers: {(Suggested(engines) is { } engine ? $"{engine.Install}, then " : "")}put a model into the Hugging Face cache or name its file in appsettings.json.");
        }

        if (servable.Where(m => m.Facts?.Use is null or ModelUse.Chat).MinBy(m => m.Memory ?? m.FileBytes) is { } lightest)
        {
            lines.Add($$"""  Try it   curl {{address}}/v1/chat/completions{{(wantsKey ? " -H 'x-api-key: KEY'" : "")}} -d '{"model":"{{lightest.Id}}","messages":[{"role":"user","content":"Hello"}]}'""");
        }

        return string.Join(Environment.NewLine, lines);
    }

    // Where there is an engine, only a model is lacking. Otherwise the one that is at home on this kind of machine: MLX on a Mac, llama.cpp, which is named last, elsewhere.
    private static EngineReport? Suggested(IReadOnlyList<EngineReport> engines) =>
        engines.Count == 0 || engines.Any(e => e.IsFound) ? null : OperatingSystem.IsMacOS() ? engines[0] : engines[^1];

    private static string Names(List<ModelSpec> models) =>
        string.Join(", ", models.Take(ShownModels).Select(m => m.Id)) + (models.Count > ShownModels ? $" and {models.Count - ShownModels} more" : "");
}
