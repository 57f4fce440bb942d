using System.Text.Json.Nodes;

namespace MlxGateway.Benchmarks;

/// <summary>The list of models, with 500 of them, as pages and scripts poll it. A chat page cannot be used until it is there.</summary>
internal static class ModelsScenario
{
    private const int Models = 500;

    /// <summary>Measures and prints.</summary>
    public static async Task RunAsync(Settings settings)
    {
        var models = new JsonObject(Enumerable.Range(0, Models).Select(i => KeyValuePair.Create<string, JsonNode?>($"organisation/Model-{i:000}-Instruct-4bit", new JsonObject
        {
            ["Runner"] = "command",
            ["Command"] = new JsonArray("never-started", "--port", "{port}"),
            ["Memory"] = $"{1 + (i % 64)}GB",
            ["Aliases"] = new JsonArray($"alias-{i}"),
        })));
        await using var gateway = await Contender.StartGatewayAsync(settings, new JsonObject { ["Models"] = models });
        await gateway.LoadAsync("--get", "/v1/models", "--connections", "4", "--requests", $"{settings.Pick(5_000, 200)}");

        // Whoever comes a second after the last one has memory read again, and where that has changed the list made anew.
        await CompareAsync("back to back", "--warmup", "100", "--requests", $"{settings.Pick(3_000, 300)}");
        await CompareAsync("every 1.1 s", "--warmup", "1", "--pause", "1100", "--requests", $"{settings.Pick(30, 3)}");

        // What the same process takes to answer with 15 bytes tells how busy the machine is.
        async Task CompareAsync(string name, params string[] how)
        {
            var (list, health, listTail, healthTail) = (new Series(), new Series(), new Series(), new Series());
            await Conductor.InterleaveAsync(settings.Rounds, () => MeasureAsync("/v1/models", list, listTail), () => MeasureAsync("/health", health, healthTail));
            Report.Compare($"p50, {Models} models, {name}", "µs", list, health);
            Report.Compare($"p99, {Models} models, {name}", "µs", listTail, healthTail);

            async Task MeasureAsync(string path, Series median, Series tail)
            {
                var result = await gateway.LoadAsync(["--get", path, .. how]);
                median.Add(result.MedianMicroseconds);
                tail.Add(result.TailMicroseconds);
            }
        }
    }
}
