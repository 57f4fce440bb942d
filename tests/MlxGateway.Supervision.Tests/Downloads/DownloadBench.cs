using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Supervision.Downloads;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Runners.Engines;
using MlxGateway.Supervision.Settings;
using MlxGateway.Supervision.Tests.Models;
using MlxGateway.Supervision.Tests.Processes;
using MlxGateway.Supervision.Tests.Runners;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Supervision.Tests.Downloads;

/// <summary>The Python with the real <c>huggingface_hub</c>, asked once what it has, and the processes that tests start.</summary>
public sealed class HubClient : IAsyncDisposable
{
    private readonly Lazy<(Household House, HubPython Pythons)> _all = new(() =>
    {
        var house = new Household();
        var options = new EngineOptions { MlxLm = { Python = RealMlx.Need("MLXGATEWAY_TEST_MLX_PYTHON") } };
        return (house, new HubPython(options, new PythonSearch(new PythonProbes(new EngineProbe(house.Children, TimeProvider.System)))));
    });

    internal Household House => _all.Value.House;

    internal HubPython Pythons => _all.Value.Pythons;

    public ValueTask DisposeAsync() => _all.IsValueCreated ? _all.Value.House.DisposeAsync() : ValueTask.CompletedTask;
}

/// <summary>Downloads over a stand-in of the Hub, into a cache of a test's own.</summary>
internal sealed class DownloadBench : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();

    private DownloadBench(StandInHub hub, HubPython pythons, IChildProcesses processes, DownloadOptions options, Dictionary<string, string> variables, string[] kinds)
    {
        Hub = hub;
        options.Endpoint = hub.Address;
        Catalog = new ServiceCollection().AddLogging().AddModels().AddSingleton(TemporaryFolder.Lenient).BuildServiceProvider().GetRequiredService<ModelCatalog>();
        Settings = _folder.Settings(offered: ["mlx_lm", "mlc_llm", "llama_server"]) with { LaunchableKinds = kinds };
        Assert.True(Catalog.TryAdopt(Settings, new SettingsErrors()));
        Access = new HubAccess(options, name => variables.GetValueOrDefault(name));
        Downloads = new ModelDownloads(new DownloadProcess(processes, pythons, Access, Catalog, options), Catalog, options, TimeProvider.System, NullLogger<ModelDownloads>.Instance);
    }

    public StandInHub Hub { get; }

    public ModelCatalog Catalog { get; }

    public ModelSettings Settings { get; }

    public HubAccess Access { get; }

    public ModelDownloads Downloads { get; }

    public static async Task<DownloadBench> StartAsync(HubClient client, Dictionary<string, string>? variables = null, string[]? kinds = null, int attempts = 3) =>
        new(await StandInHub.StartAsync(), client.Pythons, client.House.Children, new DownloadOptions { Attempts = attempts, RetryPause = TimeSpan.FromMilliseconds(20) }, variables ?? [], kinds ?? ["mlx_lm", "llama_server"]);

    /// <summary>One without any Python.</summary>
    public static async Task<DownloadBench> WithoutPythonAsync(Household house) =>
        new(await StandInHub.StartAsync(), new HubPython(new EngineOptions { MlxLm = { Python = "/nowhere/python3" } }, new PythonSearch(new PythonProbes(new EngineProbe(house.Children, TimeProvider.System)))), house.Children, new DownloadOptions(), [], []);

    /// <summary>A path in the cache's folder of a repository.</summary>
    public string In(string repository, string path) => Path.Combine(_folder.Cache, "models--" + repository.Replace("/", "--", StringComparison.Ordinal), path);

    /// <summary>Fetches it to the end.</summary>
    public async Task<DownloadStatus> FetchAsync(string id)
    {
        var first = Downloads.Start(id);
        return first.IsOver ? first : await UntilAsync(id, static s => s.IsOver);
    }

    /// <summary>The first state of it that looks so.</summary>
    public async Task<DownloadStatus> UntilAsync(string id, Func<DownloadStatus, bool> looks)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Household.Long);
        DownloadStatus? last = null;
        await foreach (var status in Downloads.WatchAsync(id, patience.Token))
        {
            last = status;
            if (looks(status))
            {
                return status;
            }
        }

        throw new InvalidOperationException($"It never came to that; at the end: {last}");
    }

    public async ValueTask DisposeAsync()
    {
        await Downloads.StopAsync(CancellationToken.None);
        Downloads.Dispose();
        await Hub.DisposeAsync();
        _folder.Dispose();
    }
}
