using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Inference.Waiting;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Tests;
using Xunit;

namespace MlxGateway.Tests.Inference.Waiting;

/// <summary>Ten minutes of waiting as each agent lives through them, with everything as delivered. The limits were measured on the programs themselves.</summary>
public sealed class AgentPatienceTests
{
    private static readonly TimeSpan Load = TimeSpan.FromMinutes(10);

    private readonly ManualTimeProvider _clock = new();

    // Seconds until the first byte, and then between two signs of life. For some a sign is an event; a comment is one for the others only.
    [Theory]
    [InlineData("codex", "/v1/responses", 1100, 300, true)]
    [InlineData("qwen-code", "/v1/chat/completions", 120, 240, true)]
    [InlineData("qwen-code", "/v1/messages", 120, 240, true)]
    [InlineData("opencode", "/v1/chat/completions", 300, 300, false)]
    [InlineData("opencode", "/v1/responses", 300, 300, false)]
    [InlineData("opencode", "/v1/messages", 300, 300, false)]
    [InlineData("claude-code", "/v1/messages", 360, 300, false)]
    [InlineData("aider, cn, llm", "/v1/chat/completions", 600, 600, false)]
    [InlineData("the .NET client", "/v1/chat/completions", 100, 100, false)]
    [InlineData("the .NET client", "/v1/responses", 100, 100, false)]
    [InlineData("an editor's completion", "/v1/completions", 100, 240, true)]
    public async Task Wait_OfTenMinutes_NoAgentGivesUp(string agent, string path, int first, int between, bool countsEvents)
    {
        foreach (var style in Enum.GetValues<WaitingStyle>())
        {
            var alive = await SignsOfLifeAsync(path, style, countsEvents);

            Assert.True(alive[0] <= TimeSpan.FromSeconds(first), $"{agent} closes before the first byte, {alive[0]}, as {style}.");
            var gaps = alive.Zip([.. alive.Skip(1), Load], static (one, next) => next - one);
            Assert.All(gaps, gap => Assert.True(gap < TimeSpan.FromSeconds(between), $"{agent} closes after {gap} without a sign, as {style}."));
        }
    }

    private async Task<IReadOnlyList<TimeSpan>> SignsOfLifeAsync(string path, WaitingStyle style, bool countsEvents)
    {
        var (client, since) = (new ClientExchange(), _clock.GetUtcNow());
        await using var response = new ClientResponse(client.Context, InferenceRoute.All.Single(r => r.Path == path), new StreamOptions(), _clock);
        response.KeepCompany("m", style, () => new LoadProgress("m", "launching", _clock.GetUtcNow() - since, null, null));
        var signs = new List<TimeSpan>();
        var seen = 0;
        while (_clock.GetUtcNow() - since is var passed && passed < Load)
        {
            _clock.Advance(TimeSpan.FromSeconds(1));
            var isAlive = client.Pieces.Skip(seen).Any(p => !countsEvents || IsEvent(p));

            // Headers end the wait for the first byte, whatever comes after them.
            if (isAlive || (signs.Count == 0 && client.HasBegun))
            {
                signs.Add(passed + TimeSpan.FromSeconds(1));
            }

            seen = client.Pieces.Count;
        }

        return signs;
    }

    // An event is what has data that can be read.
    private static bool IsEvent(string piece)
    {
        var data = piece.Split('\n').FirstOrDefault(static line => line.StartsWith("data: ", StringComparison.Ordinal));
        return data is not null && JsonDocument.Parse(data[6..]).RootElement.ValueKind == JsonValueKind.Object;
    }
}
