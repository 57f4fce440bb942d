using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

/// <summary>Five hundred models.</summary>
public sealed class DiscoveryScaleTests(ITestOutputHelper output) : IDisposable
{
    // What is aimed at is a second for the first look; a busy machine may take longer, a mistake in kind takes much longer.
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(20);
    private readonly TemporaryFolder _folder = new();
    private int _reads;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Scan_FiveHundredModels_IsQuickAndTheSecondReadsNoHeader()
    {
        for (var i = 0; i < 250; i++)
        {
            _folder.RepositoryOf($"org/mlx-{i}", TinyModels.Mlx());
            _folder.Write($"models/org-{i % 10}/repository-{i}/model-{i}.gguf", TinyModels.Gguf());
        }

        var facts = new FactsCache(
            file =>
            {
                Interlocked.Increment(ref _reads);
                return GgufFacts.Read(file);
            },
            folder =>
            {
                Interlocked.Increment(ref _reads);
                return MlxFacts.Read(folder);
            });
        var settings = _folder.Settings(folders: ["models"], offered: ["llama_server", "mlx_lm"]);
        var catalog = new ModelCatalog([new ConfiguredModels(facts), new HuggingFaceCache(facts), new FolderModels(facts), new LmStudioModels(facts), new OllamaModels(facts)], facts, TimeProvider.System, NullLogger<ModelCatalog>.Instance);

        var used = Environment.CpuUsage.TotalTime;
        var cold = Measured(() => Assert.True(catalog.TryAdopt(settings, new SettingsErrors())));
        Assert.Equal(500, catalog.Current.Models.Count(model => model.Missing is null));
        Assert.Equal(500, _reads);
        var before = catalog.Current;
        var warm = Measured(() => Assert.Same(before, catalog.Rebuild()));
        var hot = Measured(() => catalog.Rebuild());
        Assert.Equal(500, _reads);

        DiskSurvey? survey = null;
        var surveying = Measured(() => survey = DiskSurvey.Of(ModelPlaces.Of(settings)));
        Assert.False(survey!.HasChanged());
        var look = Measured(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                Assert.False(survey.HasChanged());
            }
        }) / 100;

        output.WriteLine($"time of the processor in all: {Environment.CpuUsage.TotalTime.TotalMilliseconds - used.TotalMilliseconds:0} ms");
        output.WriteLine($"cold {cold.TotalMilliseconds:0} ms, again {warm.TotalMilliseconds:0} ms, once more {hot.TotalMilliseconds:0} ms, survey of {survey.Count} {surveying.TotalMilliseconds:0} ms, look {look.TotalMilliseconds:0.000} ms");
        Assert.InRange(cold, TimeSpan.Zero, Most);
        Assert.InRange(warm, TimeSpan.Zero, Most / 4);
        Assert.InRange(look, TimeSpan.Zero, TimeSpan.FromMilliseconds(200));
    }

    private static TimeSpan Measured(Action act)
    {
        var since = Stopwatch.StartNew();
        act();
        return since.Elapsed;
    }
}
