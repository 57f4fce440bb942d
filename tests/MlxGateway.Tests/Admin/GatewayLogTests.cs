using MlxGateway.Admin.Logs;
using MlxGateway.Supervision.Tests;
using Xunit;

namespace MlxGateway.Tests.Admin;

/// <summary>The gateway's log as it is read from its files.</summary>
public sealed class GatewayLogTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlxgateway-log-");
    private readonly List<string> _heard = [];
    private DateTime _stamp = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Lines_OverSeveralFiles_AreTheLastOnesInOrderWithoutSecrets()
    {
        Write("gateway-20260101.log", "a\nb\n");
        Write("gateway-20260102.log", "c\napi_key=abc123\nhalf");
        Write("other-1.log", "no\n");
        var log = new GatewayLog(_folder.FullName, _time);

        Assert.Equal(["c", "api_key=***", "half"], log.Lines(3));
        Assert.Equal(["b", "c", "api_key=***", "half"], log.Lines(4));
        Assert.Equal(5, log.Lines(100).Count);
        Assert.Empty(new GatewayLog(Path.Combine(_folder.FullName, "nowhere"), _time).Lines(10));
    }

    [Fact]
    public void Follow_FileGrowsAndIsFollowedByAnother_HearsEachWholeLineOnce()
    {
        Write("gateway-20260101.log", "old\nhal");
        var log = new GatewayLog(_folder.FullName, _time);
        using (log.Follow(_heard.Add))
        {
            Write("gateway-20260101.log", "f\nnew\nsecond ha");
            Look();
            Write("gateway-20260101.log", "lf\nhf_0123456789abcdefgh\n");
            Look();
            Write("gateway-20260101.log", "last of the day\n");
            Write("gateway-20260102.log", "first of the next\n");
            Look();
            Look();
        }

        Write("gateway-20260102.log", "unheard\n");
        Look();

        Assert.Equal(["half", "new", "second half", "***", "last of the day", "first of the next"], _heard);
        Assert.False(_time.TimerWithinAsync(TimeSpan.FromDays(1), CancellationToken.None).IsCompleted);
    }

    [Fact]
    public void Follow_Flood_IsPassedOverAndSaidSo()
    {
        Write("gateway-20260101.log", "old\n");
        using var following = new GatewayLog(_folder.FullName, _time).Follow(_heard.Add);

        Write("gateway-20260101.log", string.Concat(Enumerable.Repeat(new string('x', 99) + "\n", 10_000)));
        Look();

        Assert.Equal($"[{1_000_000 - (256 * 1024)} bytes of the log passed over]", _heard[0]);
        Assert.InRange(_heard.Count, 2_600, 2_630);
    }

    private void Look() => _time.Advance(TimeSpan.FromMilliseconds(500));

    private void Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.AppendAllText(path, text);
        File.SetLastWriteTimeUtc(path, _stamp += TimeSpan.FromSeconds(1));
    }
}
