using System.Diagnostics;
using System.Globalization;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class WeightReadAheadTests : IDisposable, ILogger<WeightReadAhead>
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mlxgateway-ahead-").FullName;
    private readonly Channel<string> _log = Channel.CreateUnbounded<string>();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Begin_FolderOfShards_ReadsTheWeightsInOrderAndNothingElse()
    {
        var path = Folder("m", ("model-00002-of-00003.safetensors", 200), ("model-00001-of-00003.safetensors", 1000), ("model-00003-of-00003.safetensors", 30), ("tokenizer.json", 5000), ("empty.safetensors", 0));
        new WeightReadAhead(this).Begin(Model("m", path), ByteSize.FromGigabytes(1));

        Assert.Equal(Read(1230, "m"), await SaidAsync());
        Assert.Equal(
            ["model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors", "model-00003-of-00003.safetensors"],
            WeightFiles.Of(path).Select(file => Path.GetFileName(file)));
    }

    [Fact]
    public async Task Begin_Limit_ReadsThatAndNotMore()
    {
        var path = Folder("m", ("model-00001-of-00002.safetensors", 1000), ("model-00002-of-00002.safetensors", 1000));
        new WeightReadAhead(this).Begin(Model("m", path), new ByteSize(1400));

        Assert.Equal(Read(1400, "m"), await SaidAsync());
    }

    // Opening it would wait for a writer for ever.
    [Fact]
    public async Task Begin_PipeAmongTheFiles_IsNeverOpened()
    {
        var path = Folder("m", ("model-00001-of-00003.safetensors", 10), ("model-00003-of-00003.safetensors", 20));
        using (var mkfifo = Process.Start("mkfifo", [Path.Combine(path, "model-00002-of-00003.safetensors")]))
        {
            await mkfifo.WaitForExitAsync(Nursery.Patience());
            Assert.Equal(0, mkfifo.ExitCode);
        }

        new WeightReadAhead(this).Begin(Model("m", path), ByteSize.FromGigabytes(1));

        Assert.Equal(Read(30, "m"), await SaidAsync());
    }

    [Fact]
    public async Task Begin_Twice_ReadsOnce()
    {
        var ahead = new WeightReadAhead(this);
        var path = Folder("large", ("model.safetensors", 1L << 40)); // sparse: more than can be read while a test runs, so that the first is not over when the second is begun
        ahead.Begin(Model("large", path), new ByteSize(long.MaxValue));
        ahead.Begin(Model("large", path), new ByteSize(long.MaxValue));

        // Begun after both, on a thread as humble as theirs: when this is over, both would have the file open.
        ahead.Begin(Model("later", Folder("later", ("model.safetensors", 96 << 20))), ByteSize.FromGigabytes(1));
        Assert.Equal(Read(96 << 20, "later"), await SaidAsync());
        await Processes.Household.Until(() => !OperatingSystem.IsLinux() || Readers(path) > 0, "it is read");
        Assert.InRange(Readers(path), 0, 1);
        ahead.Cancel("large");
        Assert.NotEqual(Read(1L << 40, "large"), await SaidAsync());
    }

    [Fact]
    public async Task Cancel_WhileItReads_EndsEarlyAndMayBeginAgain()
    {
        var ahead = new WeightReadAhead(this);
        var path = Folder("m", ("model.safetensors", 1L << 40)); // sparse: more than can be read while a test runs
        ahead.Begin(Model("m", path), new ByteSize(long.MaxValue));
        ahead.Cancel("m");
        Assert.NotEqual(Read(1L << 40, "m"), await SaidAsync());

        ahead.Begin(Model("m", path), new ByteSize(77));
        Assert.Equal(Read(77, "m"), await SaidAsync());
    }

    [Fact]
    public async Task Begin_ModelWithoutFiles_ReadsNothing()
    {
        var ahead = new WeightReadAhead(this);
        ahead.Begin(new ModelSpec { Id = "none", Runner = "command" }, ByteSize.FromGigabytes(1));
        ahead.Cancel("none");
        ahead.Begin(Model("gone", Path.Combine(_folder, "gone")), ByteSize.FromGigabytes(1));

        Assert.Equal(Read(0, "gone"), await SaidAsync());
    }

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => _log.Writer.TryWrite(formatter(state, exception));

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    private static ModelSpec Model(string id, string path) => new() { Id = id, Runner = "mlx_lm", Path = path };

    private static string Read(long bytes, string model) => string.Create(CultureInfo.InvariantCulture, $"Read {new ByteSize(bytes)} of {model} ahead of its launch.");

    private static int Readers(string path) => !OperatingSystem.IsLinux() ? 0 :
        Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(entry => new FileInfo(entry).LinkTarget is { } target && target.StartsWith(path, StringComparison.Ordinal));

    private ValueTask<string> SaidAsync() => _log.Reader.ReadAsync(Nursery.Patience());

    private string Folder(string name, params (string Name, long Bytes)[] files)
    {
        var path = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        foreach (var (file, bytes) in files)
        {
            using var stream = File.Create(Path.Combine(path, file));
            stream.SetLength(bytes);
        }

        return path;
    }
}
