using System.Diagnostics;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>Models that come and go while the gateway runs.</summary>
public sealed class DiscoveryTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(45); // it takes a few; a machine that builds beside the tests may need many times as long
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlxgateway-discovery-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Models_PutOnTheDiskAndTakenAway_AreListedAndGone()
    {
        await using var gateway = await Gateway.StartAsync("", "", "--MlxGateway:Discovery:Folders:0", Path.Combine(_folder.FullName, "models"));
        Assert.DoesNotContain("tiny", await IdsAsync(gateway));

        // A copy that is under way is listed as what it is, and becomes a model when it is whole.
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "models"));
        var file = Path.Combine(_folder.FullName, "models", "tiny.gguf");
        await File.WriteAllBytesAsync(file, TinyGguf[..130], TestContext.Current.CancellationToken);
        await UntilAsync(gateway, ids => ids.Contains("tiny"));
        Assert.Equal("model_files_missing", (await gateway.ChatAsync("tiny")).Code);
        await File.WriteAllBytesAsync(file, TinyGguf, TestContext.Current.CancellationToken);
        await UntilAsync(async () => (await gateway.GetAsync("/v1/models/tiny")).Json.GetProperty("status").GetProperty("value").GetString() == "unloaded");

        File.Delete(file);
        await UntilAsync(gateway, ids => !ids.Contains("tiny"));
        Assert.Equal("model_not_found", (await gateway.ChatAsync("tiny")).Code);
    }

    // One tensor of four values, and nothing else that a model has.
    private static byte[] TinyGguf =>
    [
        .. "GGUF"u8, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,
        20, 0, 0, 0, 0, 0, 0, 0, .. "general.architecture"u8, 8, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, .. "llama"u8,
        8, 0, 0, 0, 0, 0, 0, 0, .. "t.weight"u8, 1, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        .. new byte[128],
    ];

    private static async Task<IReadOnlyList<string>> IdsAsync(Gateway gateway) =>
        [.. (await gateway.GetAsync("/v1/models")).Json.GetProperty("data").EnumerateArray().Select(model => model.GetProperty("id").GetString()!)];

    private static Task UntilAsync(Gateway gateway, Func<IReadOnlyList<string>, bool> looks) => UntilAsync(async () => looks(await IdsAsync(gateway)));

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        var since = Stopwatch.StartNew();
        using var glances = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!await holds())
        {
            Assert.InRange(since.Elapsed, TimeSpan.Zero, Soon);
            await glances.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }
}
