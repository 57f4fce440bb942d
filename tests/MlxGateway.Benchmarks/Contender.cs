using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MlxGateway.Benchmarks;

/// <summary>One of the two that are compared, running, with its runner behind it.</summary>
internal sealed class Contender : IAsyncDisposable
{
    private readonly List<Child> _children;

    private Contender(Uri address, List<Child> children, string allocations)
    {
        Address = address;
        _children = children;
        AllocationSocket = allocations;
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>The process id of the proxy itself.</summary>
    public int Pid => _children[0].Pid;

    /// <summary>What the processors have worked for the proxy itself so far.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            using var process = Process.GetProcessById(Pid);
            return process.TotalProcessorTime;
        }
    }

    /// <summary>Where it tells what it allocated.</summary>
    public string AllocationSocket { get; }

    /// <summary>Starts the gateway with one model, <c>bench</c>, which is this program in upstream mode.</summary>
    public static Task<Contender> StartGatewayAsync(Settings settings) => StartGatewayAsync(settings, [], withBench: true);

    /// <summary>Starts the gateway with these settings, and with the model <c>bench</c> if it is wanted.</summary>
    public static async Task<Contender> StartGatewayAsync(Settings settings, JsonObject section, bool withBench = false, params (string Name, string Value)[] environment)
    {
        if (withBench)
        {
            section["Models"] = new JsonObject
            {
                ["bench"] = new JsonObject
                {
                    ["Runner"] = "command",
                    ["Command"] = new JsonArray("dotnet", typeof(Contender).Assembly.Location, "upstream", "--port", "{port}"),
                    ["Memory"] = "64MB",
                    ["ReadyPath"] = "/health",
                },
            };
        }

        var folder = Directory.CreateDirectory(Path.Combine(settings.Folder, Guid.NewGuid().ToString("N")[..8])).FullName;
        section["Discovery"] = new JsonObject { ["HuggingFaceCache"] = false, ["LmStudio"] = false, ["Ollama"] = false };
        section["Memory"] = new JsonObject { ["Reserve"] = "128MB" };
        var file = Path.Combine(folder, "bench.json");
        await File.WriteAllTextAsync(file, new JsonObject { ["MlxGateway"] = section }.ToJsonString());

        var port = Child.FreePort();
        var allocations = Path.Combine(folder, "a.sock");
        var gateway = Child.Start(
            "dotnet",
            [settings.GatewayDll, "--port", $"{port}", "--config", file],
            [("XDG_STATE_HOME", folder), .. AllocationHook.Environment(allocations), .. environment]);
        return await ReadyAsync(port, [gateway], allocations);
    }

    /// <summary>Starts the bare forwarder with an upstream of its own.</summary>
    public static async Task<Contender> StartForwarderAsync(Settings settings)
    {
        var port = Child.FreePort();
        var upstream = Child.StartSelf(["upstream", "--port", $"{port}"]);
        return await StartForwarderAsync(settings, port, [upstream]);
    }

    /// <summary>Starts the bare forwarder in front of the very process that the gateway forwards to: another one would be scheduled otherwise, being of another session.</summary>
    public static async Task<Contender> StartForwarderAsync(Settings settings, Contender gateway)
    {
        await gateway.LoadAsync("--connections", "1", "--requests", "1");
        using var http = new HttpClient();
        using var running = JsonDocument.Parse(await http.GetStringAsync(new Uri(gateway.Address, "/running")));
        return await StartForwarderAsync(settings, running.RootElement.GetProperty("running")[0].GetProperty("port").GetInt32(), []);
    }

    private static async Task<Contender> StartForwarderAsync(Settings settings, int upstreamPort, Child[] upstream)
    {
        var port = Child.FreePort();
        var allocations = Path.Combine(settings.Folder, $"{port}.sock");
        var forwarder = Child.StartSelf(["forwarder", "--port", $"{port}", "--upstream", $"http://127.0.0.1:{upstreamPort}"], AllocationHook.Environment(allocations));
        return await ReadyAsync(port, [forwarder, .. upstream], allocations);
    }

    /// <summary>Runs the load generator against it.</summary>
    public async Task<LoadResult> LoadAsync(params string[] args)
    {
        await using var load = Child.StartSelf(["load", "--target", Address.ToString(), .. args]);
        return LoadResult.FromLine(await load.ResultAsync());
    }

    /// <summary>Reads paced streams from it.</summary>
    public async Task<StreamResult> StreamAsync(int streams, int tokens, int gap, int leftOut)
    {
        await using var load = Child.StartSelf(["streams", "--target", Address.ToString(), "--pid", $"{Pid}", "--streams", $"{streams}", "--tokens", $"{tokens}", "--gap", $"{gap}", "--left-out", $"{leftOut}"]);
        return StreamResult.FromLine(await load.ResultAsync());
    }

    /// <summary>Makes sure that no upload is on disk any more, neither under a name nor as a file that is only open.</summary>
    /// <exception cref="InvalidDataException">There is one.</exception>
    public void CheckUploadsAreGone()
    {
        var folder = Path.GetDirectoryName(AllocationSocket)!;
        var named = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(f => f.Contains("uploads", StringComparison.Ordinal));
        var open = OperatingSystem.IsLinux()
            ? Directory.EnumerateFiles($"/proc/{Pid}/fd").Select(f => new FileInfo(f).LinkTarget ?? "").Where(f => f.Contains("uploads", StringComparison.Ordinal))
            : [];
        if (named.Concat(open).FirstOrDefault() is { } left)
        {
            throw new InvalidDataException($"An upload is still there: {left}");
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var child in _children)
        {
            await child.DisposeAsync();
        }
    }

    private static async Task<Contender> ReadyAsync(int port, List<Child> children, string allocations)
    {
        var contender = new Contender(new Uri($"http://127.0.0.1:{port}"), children, allocations);
        try
        {
            // The forwarder forwards this too, so that its upstream is ready with it.
            await children[0].UntilReadyAsync(new Uri(contender.Address, "/health"), TimeSpan.FromMilliseconds(10));
            return contender;
        }
        catch
        {
            await contender.DisposeAsync();
            throw;
        }
    }
}
