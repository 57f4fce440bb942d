using MlxGateway.Supervision.Downloads;
using Xunit;

namespace MlxGateway.Supervision.Tests.Downloads;

/// <summary>What the process tells, what may stand between it, and what is worked out from it.</summary>
public sealed class DownloadNewsTests
{
    private static readonly string[] Lines =
    [
        """mlxgateway {"event": "plan", "total": 3000000, "done": 17, "choice": "Q4_K_M of Q4_K_M, Q8_0"}""",
        """mlxgateway {"event": "progress", "done": 1000, "file": "model.safetensors", "at": 12.5}""",
        """mlxgateway {"event": "verifying", "file": "model.safetensors"}""",
        """mlxgateway {"event": "retry", "file": null, "reason": "HTTP 503"}""",
        """mlxgateway {"event": "done", "path": "/cache/snapshots/c0ffee"}""",
        """mlxgateway {"event": "failed", "code": "hub_gated", "message": "No."}""",
    ];

    [Fact]
    public void Read_EachLine_IsWhatItSays()
    {
        DownloadNews[] expected =
        [
            new DownloadNews.Planned(3_000_000, 17, "Q4_K_M of Q4_K_M, Q8_0"), new DownloadNews.Progressed(1000, "model.safetensors", TimeSpan.FromSeconds(12.5)), new DownloadNews.Verifying("model.safetensors"),
            new DownloadNews.Retrying(null, "HTTP 503"), new DownloadNews.Completed("/cache/snapshots/c0ffee"), new DownloadNews.Failed("hub_gated", "No."),
        ];

        Assert.Equal(expected, Lines.Select(DownloadNews.Read));
    }

    // Libraries write what they like, a line is cut at 4 KB, and a disk may lose a part of a file.
    [Fact]
    public void Read_AnythingElse_IsPassedOver()
    {
        Assert.All(new[] { "", "Fetching 5 files: 40%", "mlxgateway ", "mlxgateway []", "mlxgateway {}", """mlxgateway {"event":"progress","done":1e99,"file":"a","at":1}""", """mlxgateway {"event":"progress","done":1,"file":"a","at":1e300}""", """mlxgateway {"event":"other"}""" }, line => Assert.Null(DownloadNews.Read(line)));

        var random = new Random(7);
        for (var i = 0; i < 20_000; i++)
        {
            var line = Lines[random.Next(Lines.Length)].ToCharArray();
            for (var changes = random.Next(1, 4); changes > 0; changes--)
            {
                line[random.Next("mlxgateway ".Length, line.Length)] = (char)random.Next(32, 127);
            }

            _ = DownloadNews.Read(new string(line, 0, random.Next(line.Length + 1))); // throws nothing
        }
    }

    [Fact]
    public void Rate_OverTheLastSeconds_IsNotThatOfTheWholeTime()
    {
        var rate = new TransferRate();
        rate.Note(TimeSpan.FromSeconds(1), 0);
        Assert.Null(rate.BytesPerSecond);
        rate.Note(TimeSpan.FromSeconds(2), 5_000_000);
        Assert.Equal(5_000_000, rate.BytesPerSecond);
        for (var second = 3; second <= 20; second++)
        {
            rate.Note(TimeSpan.FromSeconds(second), 5_000_000 + (second - 2) * 1000);
        }

        Assert.Equal(1000, rate.BytesPerSecond);
        Assert.Equal(TimeSpan.FromSeconds(60), rate.RemainingOf(5_018_000 + 60_000));

        // What was thrown away is no speed below zero.
        rate.Note(TimeSpan.FromSeconds(21), 0);
        Assert.Null(rate.BytesPerSecond);
        rate.Note(TimeSpan.FromSeconds(22), 0);
        Assert.Equal((0, null), (rate.BytesPerSecond, rate.RemainingOf(100)));
    }
}
