using Microsoft.Extensions.Logging;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

public sealed class ObservedFootprintsTests : IDisposable, IEngineVersions, ILogger<ObservedFootprints>
{
    private static readonly ModelSpec Qwen = new()
    {
        Id = "qwen", Runner = "llama_server", Path = "/models/qwen.gguf", FileBytes = ByteSize.FromGigabytes(4), Args = ["--threads", "4"], Env = new([new("A", "1")]),
    };

    private static readonly LaunchShape Shape = new() { Context = 8192, CacheFormat = CacheFormat.Q8 };

    private readonly string _folder = Directory.CreateTempSubdirectory("mlxgateway-footprints-").FullName;
    private readonly ManualTimeProvider _clock = new();
    private readonly List<string> _log = [];
    private string? _version = "6527";

    private string FilePath => Path.Combine(_folder, "state", "footprints.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void RecordOf_NeverSeen_IsUnknownAndMakesNoFile()
    {
        using (var footprints = Open())
        {
            Assert.Null(footprints.RecordOf(Qwen, Shape));
            Assert.Null(footprints.PeakOf(Qwen, Shape));
        }

        Assert.False(Directory.Exists(Path.GetDirectoryName(FilePath)));
        Assert.Empty(_log);
    }

    [Fact]
    public void Learn_SeveralLaunches_KeepsTheHighestPeakAndTheLastLoad()
    {
        using var footprints = Open();
        footprints.Learn(Qwen, Shape, Lesson(4, 5));
        footprints.Learn(Qwen, Shape, Lesson(4, 7, isFirst: false));
        Assert.Equal(Record(4, 7, 1), footprints.RecordOf(Qwen, Shape));

        _clock.Advance(TimeSpan.FromHours(1));
        footprints.Learn(Qwen, Shape, Lesson(3, 6));
        Assert.Equal(Record(3, 7, 2), footprints.RecordOf(Qwen, Shape));
        Assert.Equal(ByteSize.FromGigabytes(7), footprints.PeakOf(Qwen, Shape));
    }

    [Fact]
    public void Learn_NextGateway_KnowsItAndAddsToIt()
    {
        using (var first = Open())
        {
            first.Learn(Qwen, Shape, Lesson(4, 5));
        }

        var known = Record(4, 5, 1);
        _clock.Advance(TimeSpan.FromDays(1));
        using (var second = Open())
        {
            Assert.Equal(known, second.RecordOf(Qwen, Shape));
            second.Learn(Qwen, Shape, Lesson(4, 4.5));
            Assert.Equal(Record(4, 5, 2), second.RecordOf(Qwen, Shape));
        }

        using var third = Open();
        Assert.Equal(Record(4, 5, 2), third.RecordOf(Qwen, Shape));
    }

    [Fact]
    public void Learn_HowLongALoadTook_IsKnownToTheNextGatewayUntilALaterLoad()
    {
        using (var first = Open())
        {
            first.Learn(Qwen, Shape, Lesson(4, 5) with { LoadTime = TimeSpan.FromSeconds(41.5) });
            first.Learn(Qwen, Shape, Lesson(4, 6, isFirst: false));
        }

        using (var second = Open())
        {
            Assert.Equal(TimeSpan.FromSeconds(41.5), second.LoadTimeOf(Qwen, Shape));
            second.Learn(Qwen, Shape, Lesson(4, 5) with { LoadTime = TimeSpan.FromSeconds(12) });
        }

        using var third = Open();
        Assert.Equal(TimeSpan.FromSeconds(12), third.LoadTimeOf(Qwen, Shape));
    }

    [Fact]
    public void Learn_IsWrittenAfterAWhile_OnceForAll()
    {
        using var footprints = Open();
        footprints.Learn(Qwen, Shape, Lesson(4, 5));
        footprints.Learn(Qwen with { Id = "other" }, Shape, Lesson(4, 5));
        Assert.False(File.Exists(FilePath));

        _clock.Advance(ObservedFootprints.WriteDelay);
        Assert.Equal(2, new FootprintFile(FilePath).Read().Count);

        // Nothing new: nothing is written, however often it is said.
        File.Delete(FilePath);
        footprints.Learn(Qwen, Shape, Lesson(4, 5, isFirst: false));
        _clock.Advance(ObservedFootprints.WriteDelay * 3);
        Assert.False(File.Exists(FilePath));
        footprints.Learn(Qwen, Shape, Lesson(4, 5.5, isFirst: false));
        _clock.Advance(ObservedFootprints.WriteDelay);
        Assert.True(File.Exists(FilePath));
    }

    [Fact]
    public void File_IsTheOwnersAlone()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "has no such rights");
        using (var footprints = Open())
        {
            footprints.Learn(Qwen with { Env = new([new("TOKEN", "hf_secret")]) }, Shape, Lesson(4, 5));
        }

#pragma warning disable CA1416
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));
#pragma warning restore CA1416
        Assert.DoesNotContain("hf_secret", File.ReadAllText(FilePath), StringComparison.Ordinal);
    }

    [Fact]
    public void RecordOf_AnythingThatMattersIsOther_IsUnknown()
    {
        using var footprints = Open();
        footprints.Learn(Qwen, Shape, Lesson(4, 5));

        ModelSpec[] others =
        [
            Qwen with { Id = "other" },
            Qwen with { Path = "/models/other.gguf" },
            Qwen with { FileBytes = ByteSize.FromGigabytes(4.1) },
            Qwen with { Runner = "command" },
            Qwen with { Args = ["--threads", "8"] },
            Qwen with { Args = ["--threads4"] },
            Qwen with { Env = new([new("A", "2")]) },
            Qwen with { Env = ValueMap.Empty },
            Qwen with { Command = ["x"] },
            Qwen with { Projector = "/models/mmproj.gguf" },
        ];
        Assert.All(others, other => Assert.Null(footprints.RecordOf(other, Shape)));
        Assert.Null(footprints.RecordOf(Qwen, Shape with { Context = 4096 }));
        _version = "6528";
        Assert.Null(footprints.RecordOf(Qwen, Shape));
        _version = null;
        Assert.Null(footprints.RecordOf(Qwen, Shape));
        _version = "6527";

        // What takes no memory does not matter.
        Assert.NotNull(footprints.RecordOf(Qwen with { Aliases = ["q"], Pinned = true, IdleTimeout = TimeSpan.Zero, Memory = ByteSize.FromGigabytes(9) }, Shape with { Lowered = "The context is …" }));
    }

    [Theory]
    [InlineData("{\"format\":\"mlxgateway-footprints-1\",\"footprints\":[{\"key\":")] // half of it
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[1]")]
    [InlineData("{\"format\":\"mlxgateway-footprints-2\",\"footprints\":[]}")] // a later version's
    [InlineData("{\"models\":{}}")] // somebody else's
    public void File_NotUnderstood_IsPutAsideWhenThereIsSomethingToWrite(string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        File.WriteAllText(FilePath, text);
        using (var footprints = Open())
        {
            Assert.Null(footprints.RecordOf(Qwen, Shape));
            Assert.Equal(text, File.ReadAllText(FilePath)); // only looked at
            footprints.Learn(Qwen, Shape, Lesson(4, 5));
        }

        Assert.Equal(text, File.ReadAllText(FilePath + ".bad"));
        Assert.Contains(_log, line => line.StartsWith("1510 ", StringComparison.Ordinal));
        using var next = Open();
        Assert.Equal(Record(4, 5, 1), next.RecordOf(Qwen, Shape));
    }

    [Fact]
    public void File_EntriesThatCannotBe_AreLeftOut()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(FilePath)!);
        var key = FootprintKey.Of(Qwen, Shape, _version);
        new FootprintFile(FilePath).Write(
        [
            new(key, Record(4, 5, 1)),
            new(key with { Model = "negative" }, Record(-4, 5, 1)),
            new(key with { Model = "upside down" }, Record(5, 4, 1)),
            new(key with { Model = null! }, Record(4, 5, 1)),
        ]);

        Assert.Equal([key], new FootprintFile(FilePath).Read().Keys);
    }

    // Two gateways of one user, and what both learned at once.
    [Fact]
    public async Task Learn_TwoGatewaysAtOnce_NothingIsLost()
    {
        const int Models = 40;
        await Task.WhenAll(Enumerable.Range(0, 2).Select(gateway => Task.Run(
            () =>
            {
                for (var i = 0; i < Models; i++)
                {
                    // Each launch in a gateway's life of its own, so that the file is written as often.
                    using var footprints = Open();
                    footprints.Learn(Qwen with { Id = $"{gateway}-{i}" }, Shape, Lesson(4, 5));
                    footprints.Learn(Qwen, Shape, Lesson(4, 5 + i));
                }
            },
            TestContext.Current.CancellationToken)));

        using var after = Open();
        Assert.All(Enumerable.Range(0, 2 * Models), n => Assert.NotNull(after.RecordOf(Qwen with { Id = $"{n % 2}-{n / 2}" }, Shape)));
        Assert.Equal(Record(4, 4 + Models, 2 * Models), after.RecordOf(Qwen, Shape));
        Assert.Empty(_log);
    }

    [Fact]
    public void Learn_AnotherGatewayWrites_WaitsForItsTurn()
    {
        using var footprints = Open();
        footprints.Learn(Qwen, Shape, Lesson(4, 5));
        using (new FootprintFile(FilePath).TryLock())
        {
            _clock.Advance(ObservedFootprints.WriteDelay);
            Assert.False(File.Exists(FilePath));
            Assert.Equal(Record(4, 5, 1), footprints.RecordOf(Qwen, Shape)! with { At = _clock.GetUtcNow() });
        }

        _clock.Advance(ObservedFootprints.WriteDelay);
        Assert.Single(new FootprintFile(FilePath).Read());
        Assert.Equal(1, footprints.RecordOf(Qwen, Shape)!.Launches);
    }

    [Fact]
    public void Learn_CannotBeWritten_IsKnownUntilItCanAndIsComplainedOfOnce()
    {
        var folder = Path.GetDirectoryName(FilePath)!;
        File.WriteAllText(folder, "no folder");
        using var footprints = Open();
        footprints.Learn(Qwen, Shape, Lesson(4, 5));
        _clock.Advance(ObservedFootprints.WriteDelay * 5);

        Assert.StartsWith("1512 ", Assert.Single(_log), StringComparison.Ordinal);
        Assert.Equal(1, footprints.RecordOf(Qwen, Shape)!.Launches);
        File.Delete(folder);
        _clock.Advance(ObservedFootprints.WriteDelay);
        Assert.Single(new FootprintFile(FilePath).Read());
    }

    [Fact]
    public void Learn_MoreThanIsKept_ForgetsWhatWasSeenLongestAgo()
    {
        using (var footprints = Open())
        {
            for (var i = 0; i < ObservedFootprints.Capacity + 5; i++)
            {
                footprints.Learn(Qwen with { Id = $"{i}" }, Shape, Lesson(4, 5));
                _clock.Advance(TimeSpan.FromMilliseconds(1));
            }
        }

        using var next = Open();
        Assert.Null(next.RecordOf(Qwen with { Id = "4" }, Shape));
        Assert.NotNull(next.RecordOf(Qwen with { Id = "5" }, Shape));
        Assert.Equal(ObservedFootprints.Capacity, new FootprintFile(FilePath).Read().Count);
    }

    string? IEngineVersions.VersionOf(string kind) => kind == "llama_server" ? _version : null;

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_log)
        {
            _log.Add($"{eventId.Id} {formatter(state, exception)}");
        }
    }

    private static FootprintLesson Lesson(double loaded, double peak, bool isFirst = true) => new(ByteSize.FromGigabytes(loaded), ByteSize.FromGigabytes(peak), isFirst);

    private ObservedFootprints Open() => new(new FootprintFile(FilePath), this, _clock, this);

    private FootprintRecord Record(double loaded, double peak, int launches) => new(ByteSize.FromGigabytes(loaded), ByteSize.FromGigabytes(peak), _clock.GetUtcNow(), launches);
}
