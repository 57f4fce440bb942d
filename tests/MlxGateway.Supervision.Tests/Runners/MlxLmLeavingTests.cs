using System.Text.Json.Nodes;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

/// <summary>What the companion does about clients that leave, with the real engines in both versions, where this machine has them.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class MlxLmLeavingTests(RealMlx real, SharedCompanions shared) : IClassFixture<RealMlx>, IClassFixture<SharedCompanions>
{
    private static readonly object[] Hi = [new { role = "user", content = "Hi there" }];
    private static readonly object[] Long = LongAbout("x");

    public static TheoryData<string> Pythons => RealMlx.Pythons;

    public static TheoryData<string, bool, int?> Leavings => new(
        from python in RealMlx.Pythons.Select(p => p.Data)
        from stream in new[] { false, true }
        from seed in new int?[] { null, 7 } // with a seed it is served alone, without one in the batch
        select (python, stream, seed));

    [Theory]
    [MemberData(nameof(Leavings))]
    public async Task Client_LeavesWhileItsAnswerIsMade_IsNotAnsweredToTheEnd(string python, bool stream, int? seed)
    {
        var companion = await shared.ReadyAsync(RealMlx.Need(python), "--model", Slow(), "--max-tokens", "1000000");
        using (await companion.AskAsync(new { messages = Hi, stream, seed }))
        {
            await companion.CountsAsync(running: 1, queued: 0);
        }

        await companion.CountsAsync(running: 0, queued: 0);
        Assert.InRange(await companion.RestAsync(), TimeSpan.Zero, TimeSpan.FromSeconds(3));
    }

    [Theory]
    [MemberData(nameof(Leavings))]
    public async Task Client_LeavesWhileItsPromptIsRead_IsNotReadToTheEnd(string python, bool stream, int? seed)
    {
        // Another prompt from its first letter on, so that nothing that is kept of one serves the next.
        var companion = await shared.ReadyAsync(RealMlx.Need(python), "--model", Slow(), "--prefill-step-size", "16");
        using (await companion.AskAsync(new { messages = LongAbout(stream ? seed is null ? "a" : "b" : seed is null ? "c" : "d"), stream, seed, max_tokens = 1 }))
        {
            await companion.CountsAsync(running: 1, queued: 0);
        }

        await companion.CountsAsync(running: 0, queued: 0);
        Assert.InRange(await companion.RestAsync(), TimeSpan.Zero, TimeSpan.FromSeconds(3));
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Client_LeavesWhileItIsQueued_IsNeverTakenUp(string python)
    {
        await using var companion = await CompanionProcess.ReadyAsync(RealMlx.Need(python), "--model", Slow(), "--max-tokens", "1000000");
        using (await companion.AskAsync(new { messages = Hi, seed = 1 }))
        {
            await companion.CountsAsync(running: 1, queued: 0);
            using (await companion.AskAsync(new { messages = Long, seed = 1 }))
            {
                await companion.CountsAsync(running: 1, queued: 1);
            }

            await companion.CountsAsync(running: 1, queued: 0);
        }

        await companion.JsonAsync(HttpMethod.Post, "/v1/chat/completions", new { messages = Hi, seed = 1, max_tokens = 1 });

        Assert.Equal(2, companion.TakenUp()); // the first and the last
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Client_LeavesWhileItWaitsInsideTheBatch_IsNeverRead(string python)
    {
        await using var companion = await CompanionProcess.ReadyAsync(RealMlx.Need(python), "--model", Slow(), "--max-tokens", "1000000", "--decode-concurrency", "1", "--prompt-concurrency", "1");
        using (await companion.AskAsync(new { messages = Hi }))
        {
            await companion.CountsAsync(running: 1, queued: 0);
            using (await companion.AskAsync(new { messages = Long }))
            {
                await companion.CountsAsync(running: 2, queued: 0);
            }

            await companion.CountsAsync(running: 1, queued: 0);
        }

        // Reading 3000 tokens takes this model ten times as long.
        Assert.InRange(await companion.RestAsync(), TimeSpan.Zero, TimeSpan.FromSeconds(1.5));
    }

    [Theory]
    [MemberData(nameof(Pythons))]
    public async Task Client_Leaves_TheOthersInTheBatchGetTheirWholeAnswers(string python)
    {
        var companion = await shared.ReadyAsync(RealMlx.Need(python), "--model", Slow(), "--max-tokens", "1000000");
        var leaving = await companion.AskAsync(new { messages = Hi, max_tokens = 1000000 });
        await companion.CountsAsync(running: 1, queued: 0);
        using var staying = await companion.StreamAsync("/v1/chat/completions", new { messages = Hi, max_tokens = 60, stream = true, stream_options = new { include_usage = true } });
        while (!(await staying.ReadLineAsync(Nursery.Patience()))!.Contains("\"content\"", StringComparison.Ordinal))
        {
            // What is said before the first of its words, which is there once both are in the batch.
        }

        leaving.Dispose();

        var last = (await staying.ReadToEndAsync(Nursery.Patience())).Split('\n').Last(static line => line.StartsWith("data: {", StringComparison.Ordinal));
        Assert.Equal(60, (int)JsonNode.Parse(last["data: ".Length..])!["usage"]!["completion_tokens"]!);
    }

    private static object[] LongAbout(string letter) => [new { role = "user", content = string.Concat(Enumerable.Repeat(letter + " ", 1500)) }];

    private string Slow() => real.Model("slow", "--endless", "--weights", "200MB");
}
