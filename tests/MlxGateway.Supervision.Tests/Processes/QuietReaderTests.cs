using MlxGateway.Supervision.Processes;
using Xunit;

namespace MlxGateway.Supervision.Tests.Processes;

public sealed class QuietReaderTests : IDisposable
{
    private const int Megabyte = 1 << 20;

    // More than any number of bytes it can read while a test runs.
    private const string Endless = "/dev/zero";

    private readonly string _folder = Directory.CreateTempSubdirectory("mlxgateway-quiet-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Read_SeveralFiles_ReadsAllOfThem() =>
        Assert.Equal((5 * Megabyte) + 7, await ReadAsync([Sized("a", (3 * Megabyte) + 7), Sized("b", 2 * Megabyte)], long.MaxValue));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(Megabyte)]
    [InlineData((2 * Megabyte) + 5)]
    public async Task Read_LimitBeforeTheEnd_ReadsThatAndNotAByteMore(long limit) =>
        Assert.Equal(limit, await ReadAsync([Sized("a", Megabyte + 1), Sized("b", 9 * Megabyte)], limit));

    [Fact]
    public async Task Read_FirstFileAloneFillsTheLimit_LeavesTheRest() =>
        Assert.Equal(3 * Megabyte, await ReadAsync([Endless, Sized("b", Megabyte)], 3 * Megabyte));

    [Fact]
    public async Task Read_FileThatVanishedOrCannotBeRead_IsLeftOut() =>
        Assert.Equal(11, await ReadAsync([Path.Combine(_folder, "gone"), Sized("a", 5), _folder, Path.Combine(_folder, "no", "such"), Sized("b", 6)], long.MaxValue));

    [Fact]
    public async Task Read_CancelledOnTheWay_EndsWithWholeChunksOnly()
    {
        using var stop = new CancellationTokenSource();
        var reading = QuietReader.ReadAsync([Endless], long.MaxValue, stop.Token);
        Assert.False(reading.IsCompleted);
        await stop.CancelAsync();

        Assert.Equal(0, await reading.WaitAsync(Household.Long, TestContext.Current.CancellationToken) % Megabyte);
    }

    [Fact]
    public async Task Read_CancelledBefore_ReadsNothing()
    {
        var reading = QuietReader.ReadAsync([Endless, Sized("a", 5)], long.MaxValue, new CancellationToken(canceled: true));

        Assert.Equal(0, await reading.WaitAsync(Household.Long, TestContext.Current.CancellationToken));
    }

    private static Task<long> ReadAsync(IReadOnlyList<string> files, long limit) =>
        QuietReader.ReadAsync(files, limit, TestContext.Current.CancellationToken).WaitAsync(Household.Long, TestContext.Current.CancellationToken);

    private string Sized(string name, long bytes)
    {
        var path = Path.Combine(_folder, name);
        using var file = File.Create(path);
        file.SetLength(bytes);
        return path;
    }
}
