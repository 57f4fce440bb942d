using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>A stream never lies about its end: seen on the wire, where a client cannot be fooled by a library.</summary>
public sealed class StreamTests(DemoGateway fixture) : IClassFixture<DemoGateway>
{
    private const string LastChunk = "\r\n0\r\n\r\n";

    private Gateway Gateway => fixture.Gateway;

    [Fact]
    public async Task Stream_WholeAnswer_EndsWithDoneAndTheLastChunk()
    {
        var text = await StreamUntilEndAsync("");

        Assert.Contains("data: [DONE]\n\n", text, StringComparison.Ordinal);
        Assert.EndsWith(LastChunk, text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"demo\":{\"cut_after\":2}")]
    [InlineData("\"demo\":{\"cut_after\":2,\"close_delimited\":true}")]
    [InlineData("\"demo\":{\"reset_after\":2}")]
    public async Task Stream_RunnerBreaksOff_SaysSoInAFrameAndHasNoEnd(string fault)
    {
        using var connection = await Gateway.OpenChatAsync("steady", "\"stream\":true," + fault);

        var (text, ending) = await connection.ReadToEndAsync();

        AssertBrokenOff(text, ending, "runner_failed");
    }

    [Fact]
    public async Task Stream_RunnerDies_SaysHowItEndedAndTheNextRequestIsServed()
    {
        using var connection = await Gateway.OpenChatAsync("victim", "\"stream\":true,\"demo\":{\"die_after\":2}");

        var (text, ending) = await connection.ReadToEndAsync();

        AssertBrokenOff(text, ending, "runner_failed");
        Assert.Contains("SIGKILL", text, StringComparison.Ordinal);
        Assert.Equal(200, (await Gateway.ChatAsync("victim")).Status);
    }

    [Fact]
    public async Task Stream_SlowReader_StillGetsTheErrorFrame()
    {
        // More than any buffer on the way holds, so that most of it is unsent when the runner breaks off.
        using var connection = await Gateway.OpenChatAsync("steady", "\"stream\":true,\"demo\":{\"tokens\":40000,\"cut_after\":30000}");
        await connection.ReadUntilAsync("data: ");
        await Gateway.UntilRunningAsync(r => r.Any(m => m.Model == "steady"));

        var (text, ending) = await connection.ReadToEndAsync();

        AssertBrokenOff(text, ending, "runner_failed");
    }

    [Fact]
    public async Task Stream_FinishedWithoutDone_IsGivenOne()
    {
        // The engine closes its connection right behind a whole stream, as some do.
        var text = await StreamUntilEndAsync("\"demo\":{\"close_delimited\":true}");

        Assert.Contains("\"finish_reason\":\"stop\"", text, StringComparison.Ordinal);
        Assert.Single(text.Split("data: [DONE]").Skip(1));
        Assert.EndsWith(LastChunk, text, StringComparison.Ordinal);
    }

    // A runner that is killed between its last words and the end of its body has answered all the same.
    [Fact]
    public async Task Stream_RunnerBreaksBehindDone_IsWhole()
    {
        var text = await StreamUntilEndAsync("\"demo\":{\"reset_at_end\":true}");

        Assert.Single(text.Split("data: [DONE]").Skip(1));
        Assert.DoesNotContain("runner_failed", text, StringComparison.Ordinal);
        Assert.EndsWith(LastChunk, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task NoStream_RunnerDiesInTheMiddleOfTheBody_Is502()
    {
        var answer = await Gateway.ChatAsync("mortal", "\"demo\":{\"die_after\":1}");

        Assert.Equal(502, answer.Status);
        Assert.Equal("runner_failed", answer.Code);
    }

    [Theory]
    [InlineData("text")]
    [InlineData("detail")]
    [InlineData("html")]
    public async Task RunnerError_WhateverItsShape_ReachesTheClientInOne(string shape)
    {
        var answer = await Gateway.ChatAsync("steady", $"\"demo\":{{\"status\":422,\"error_shape\":\"{shape}\"}}");

        Assert.Equal(422, answer.Status);
        Assert.Equal("invalid_request", answer.Code);
        Assert.NotEmpty(answer.Message);
        Assert.DoesNotContain("<", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunnerError_OnAStream_IsARealStatus()
    {
        await using var patient = await Gateway.StartAsync("\"steady\":{\"Runner\":\"demo\",\"Memory\":\"100MB\"}", "\"Streams\":{\"HoldStatus\":\"00:01:00\"}"); // or the wait would have begun the response
        var answer = await patient.ChatAsync("steady", "\"stream\":true,\"demo\":{\"status\":500}");

        Assert.Equal(502, answer.Status);
        Assert.Equal("runner_failed", answer.Code);
    }

    [Fact]
    public async Task Stream_SilentPrefill_IsKeptCompanyUntilTheRunnerSpeaks()
    {
        using var gate = new Gate();
        await using var gateway = await Gateway.StartAsync($"\"silent\":{{\"Runner\":\"demo\",\"Memory\":\"100MB\",\"Args\":[{gate.AnswerInJson}]}}", "\"Streams\":{\"HoldStatus\":\"00:00:00.2\",\"KeepAlive\":\"00:00:00.2\"}");
        using var connection = await gateway.OpenChatAsync("silent", "\"stream\":true");

        var before = await connection.ReadUntilAsync("\n: silent is at work"); // those before it are of the load
        gate.Open();
        var text = await connection.ReadUntilAsync(LastChunk);

        Assert.DoesNotContain("Hello", before, StringComparison.Ordinal);
        Assert.Contains("data: [DONE]\n\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"stream\":true,")]
    [InlineData("")]
    public async Task Client_Leaves_TheRunnerStops(string stream)
    {
        using (var connection = await Gateway.OpenChatAsync("keyed", stream + "\"demo\":{\"endless\":true,\"token_delay\":0.01}"))
        {
            await Gateway.UntilRunningAsync(r => r.Any(m => m is { Model: "keyed", State: "ready", Leases: 1 }));
        }

        await Gateway.UntilRunningAsync(r => r.Any(m => m is { Model: "keyed", Leases: 0 }));
    }

    private async Task<string> StreamUntilEndAsync(string members)
    {
        using var connection = await Gateway.OpenChatAsync("steady", "\"stream\":true" + (members.Length > 0 ? "," : "") + members);
        return await connection.ReadUntilAsync(LastChunk);
    }

    private static void AssertBrokenOff(string text, Ending ending, string code)
    {
        Assert.Equal(Ending.Closed, ending);
        Assert.Contains($"\"code\":\"{code}\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        Assert.False(text.EndsWith(LastChunk, StringComparison.Ordinal), "The response has its last chunk, as if it were whole.");
    }
}
