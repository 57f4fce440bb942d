using System.Text;
using MlxGateway.Inference;
using MlxGateway.Inference.Waiting;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using Xunit;

namespace MlxGateway.Tests.Inference;

public sealed class RefusalsTests
{
    private static readonly Dictionary<RefusalReason, (int Status, string Code)> Mapping = new()
    {
        [RefusalReason.QueueFull] = (429, "queue_full"),
        [RefusalReason.InsufficientMemory] = (400, "insufficient_memory"),
        [RefusalReason.InsufficientMemoryNow] = (503, "insufficient_memory_now"),
        [RefusalReason.LaunchFailed] = (503, "model_launch_failed"),
        [RefusalReason.ShuttingDown] = (503, "shutting_down"),
        [RefusalReason.Yielded] = (503, "background_yielded"),
    };

    public static TheoryData<RefusalReason> Reasons => [.. Enum.GetValues<RefusalReason>()];

    [Theory]
    [MemberData(nameof(Reasons))]
    public void From_EveryReason_HasItsStatusAndCode(RefusalReason reason)
    {
        var shortage = new MemoryShortage(new ByteSize(4), new ByteSize(3), new ByteSize(2), new ByteSize(1));
        var error = Refusals.From(new LeaseRefusedException("why", reason, TimeSpan.FromSeconds(7), shortage));

        Assert.Equal(Mapping[reason], (error.Status, error.Code));
        Assert.Equal(("why", 7, shortage), (error.Message, error.RetryAfterSeconds, error.Shortage));
    }

    [Theory]
    [InlineData(RevocationReason.Evicted, 503, "evicted")]
    [InlineData(RevocationReason.ShuttingDown, 503, "shutting_down")]
    [InlineData(RevocationReason.Yielded, 503, "background_yielded")]
    public void Broken_LeaseTakenBack_SaysWhy(RevocationReason reason, int status, string code)
    {
        var error = Refusals.Broken(reason, "m", "a detail");

        Assert.Equal((status, code), (error.Status, error.Code));
    }

    [Fact]
    public void Broken_EveryOtherReason_IsTheRunnersFault()
    {
        foreach (var reason in Enum.GetValues<RevocationReason>().Except([RevocationReason.Evicted, RevocationReason.ShuttingDown, RevocationReason.Yielded]))
        {
            Assert.Equal((502, "runner_failed"), (Refusals.Broken(reason, "m", null).Status, Refusals.Broken(reason, "m", null).Code));
            Assert.EndsWith("complete: signal 9", Refusals.Broken(reason, "m", "signal 9").Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void UnknownModel_NamesTheNearest()
    {
        Assert.Contains("Did you mean 'vision' or 'visions'?", Refusals.UnknownModel("vison", ["vision", "visions"]).Message, StringComparison.Ordinal);
        Assert.Contains("GET /v1/models lists the known ones", Refusals.UnknownModel("vison", []).Message, StringComparison.Ordinal);
        Assert.Equal((404, "model_not_found", "model"), (Refusals.UnknownModel("x", []).Status, Refusals.UnknownModel("x", []).Code, Refusals.UnknownModel("x", []).Param));
    }

    [Theory]
    [InlineData("a\u001b[31mb", @"a\u001b[31mb")]
    [InlineData("a\r\nb\0\u007f\u0085", @"a\u000d\u000ab\u0000\u007f\u0085")]
    [InlineData("a\u202eb", @"a\u202eb")] // turns the rest of a terminal's line round
    public void UnknownModel_NameWithControlCharacters_ShowsThem(string name, string shown) =>
        Assert.Contains($"'{shown}'", Refusals.UnknownModel(name, []).Message, StringComparison.Ordinal);

    [Fact]
    public void UnknownModel_LongName_IsCutBetweenCharacters()
    {
        foreach (var before in new[] { 118, 119, 120 })
        {
            var message = Refusals.UnknownModel(new string('x', before) + string.Concat(Enumerable.Repeat("𝄞", 1_000_000)), []).Message;

            Assert.InRange(message.Length, 120, 300);
            Assert.Equal(message, Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(message)));
        }
    }

    [Fact]
    public void StillLoading_SaysHowLongAndWhenToComeBack()
    {
        var now = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        var resident = new ResidentSnapshot("m", ResidentState.Launching, "demo", 1, 2, 0, 1, now - TimeSpan.FromSeconds(80), ByteSize.Zero);
        var error = Refusals.StillLoading(LoadProgress.Of("m", resident, now), TimeSpan.FromSeconds(90));

        Assert.Equal((503, "model_loading", 10), (error.Status, error.Code, error.RetryAfterSeconds));
        Assert.Equal(new LoadProgress("m", "launching", TimeSpan.FromSeconds(80), null, null), error.Loading);
        Assert.Contains("after 90 s (launching for 80 s)", error.Message, StringComparison.Ordinal);
        Assert.Equal("waiting", LoadProgress.Of("m", null, now).State);
    }

    [Fact]
    public void StillLoading_ModelIsThereButBusy_SaysSo()
    {
        var error = Refusals.StillLoading(new LoadProgress("m", "ready", TimeSpan.FromHours(1), null, null) { Before = 3 }, TimeSpan.FromSeconds(4));

        Assert.Equal("Model 'm' is busy: this request's turn did not come within 4 s, 3 came before it. Send it again.", error.Message);
        Assert.Equal((503, "model_loading", 4), (error.Status, error.Code, error.RetryAfterSeconds));
    }

    [Theory]
    [InlineData(30, 25, 5)] // a quarter of two minutes; the rest is more than any client may be told
    [InlineData(90, 75, 30)]
    [InlineData(150, 99, 1)] // longer than the last time
    public void StillLoading_LoadedBefore_SaysHowFarItIs(int elapsed, int percent, int seconds)
    {
        var now = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        var resident = new ResidentSnapshot("m", ResidentState.Launching, "demo", 1, 2, 0, 1, now - TimeSpan.FromSeconds(elapsed), ByteSize.Zero) { LoadTime = TimeSpan.FromMinutes(2) };
        var error = Refusals.StillLoading(LoadProgress.Of("m", resident, now), TimeSpan.FromSeconds(90));

        Assert.Equal(percent, error.Loading!.Percent);
        Assert.Equal(elapsed == 30 ? 60 : seconds, error.RetryAfterSeconds);
        Assert.Contains($"about {percent} % of it", error.Message, StringComparison.Ordinal);
    }
}
