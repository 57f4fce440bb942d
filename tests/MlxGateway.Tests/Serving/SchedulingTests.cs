using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>What clients see of who goes first, who leaves, and why.</summary>
public sealed class SchedulingTests
{
    private const string Two = "\"a\":{\"Runner\":\"demo\",\"Memory\":\"100MB\",\"MaxConcurrency\":1},\"b\":{\"Runner\":\"demo\",\"Memory\":\"100MB\"}";

    private const string Title = "\"messages\":[{\"role\":\"user\",\"content\":\"### Task:\\nGenerate a concise, 3-5 word title\"}],\"max_tokens\":1000";

    [Fact]
    public async Task Title_ComesFirst_IsAnsweredAfterThePerson()
    {
        await using var gateway = await Gateway.StartAsync(Two);
        await gateway.ChatAsync("a");
        using var before = await gateway.OpenChatAsync("a", "\"stream\":true,\"demo\":{\"endless\":true,\"token_delay\":0.01}");
        await before.ReadUntilAsync("data: ");

        // Both stand in the line, the title first, when the place becomes free.
        var title = gateway.PostAsync("/v1/chat/completions", $"{{\"model\":\"a\",{Title}}}");
        await gateway.UntilRunningAsync(r => r.Any(m => m is { Model: "a", Waiting: 1 }));
        using var person = await gateway.OpenChatAsync("a", "\"stream\":true,\"demo\":{\"say\":\"To the person.\",\"endless\":true,\"token_delay\":0.01}");
        await gateway.UntilRunningAsync(r => r.Any(m => m is { Model: "a", Leases: 1, Waiting: 2 }));
        before.Dispose();
        await person.ReadUntilAsync("person.");
        await gateway.UntilRunningAsync(r => r.Any(m => m is { Model: "a", Leases: 1, Waiting: 1 }));
        Assert.False(title.IsCompleted);
        person.Dispose();

        Assert.Equal(200, (await title).Status);
    }

    [Fact]
    public async Task BackgroundWork_StandsInAPersonsWay_IsEndedWithAWordAndThePersonIsServed()
    {
        await using var gateway = await Gateway.StartAsync(Two);
        await gateway.ChatAsync("a");
        await gateway.UntilRunningAsync(r => r.Any(m => m is { Model: "a", Leases: 0 })); // its own lease comes back a moment after its answer
        var work = gateway.PostAsync("/v1/chat/completions", "{\"model\":\"a\",\"messages\":[],\"demo\":{\"endless\":true,\"token_delay\":0.01}}", ("X-Priority", "background"));
        await gateway.UntilRunningAsync(r => r.Any(m => m is { Model: "a", Leases: 1 }));

        Assert.Equal(200, (await gateway.ChatAsync("a")).Status);
        var ended = await work;
        Assert.Equal((503, "background_yielded"), (ended.Status, ended.Code));
        Assert.NotNull(ended.Header("Retry-After"));
    }

    [Fact]
    public async Task BackgroundWork_ForAnotherModel_NeverSwapsAwayWhatAPersonUsedLately()
    {
        await using var gateway = await Gateway.StartAsync(Two, "\"Residency\":{\"BackgroundPatience\":\"00:00:02\"}");
        await gateway.ChatAsync("a");

        var refused = await gateway.PostAsync("/v1/chat/completions", $"{{\"model\":\"b\",{Title}}}");

        Assert.Equal((503, "background_yielded"), (refused.Status, refused.Code));
        Assert.Equal(["a"], (await gateway.RunningAsync()).Select(m => m.Model));
    }

    [Fact]
    public async Task BackgroundWork_StandInIsThere_IsServedByIt()
    {
        await using var gateway = await Gateway.StartAsync(Two, "\"Residency\":{\"MaxResident\":0,\"BackgroundModel\":\"b\"}");
        await gateway.ChatAsync("b");
        await gateway.ChatAsync("a");
        using var person = await gateway.OpenChatAsync("a", "\"stream\":true,\"demo\":{\"endless\":true,\"token_delay\":0.01}");
        await person.ReadUntilAsync("data: ");

        var title = await gateway.PostAsync("/v1/chat/completions", $"{{\"model\":\"a\",{Title}}}");

        Assert.Equal(200, title.Status);
        Assert.Contains("Hello from b", title.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task KeepAlive_Zero_UnloadsAfterTheAnswer()
    {
        await using var gateway = await Gateway.StartAsync(Two);

        Assert.Equal(200, (await gateway.ChatAsync("a", "\"keep_alive\":0")).Status);

        await gateway.UntilRunningAsync(r => r.Count == 0);
    }

    [Fact]
    public async Task Preload_SomeModels_AreReadyWithoutARequest()
    {
        await using var gateway = await Gateway.StartAsync(
            "\"a\":{\"Runner\":\"demo\",\"Memory\":\"100MB\",\"Preload\":true},\"b\":{\"Runner\":\"demo\",\"Memory\":\"100MB\",\"Preload\":true,\"Priority\":5}",
            "\"Residency\":{\"MaxResident\":1}");

        var running = await gateway.UntilRunningAsync(r => r.Any(m => m is { State: "ready" }));

        Assert.Equal(["b"], running.Select(m => m.Model));
    }

    [Fact]
    public async Task Explain_AfterASwap_SaysWhyWithNumbers()
    {
        await using var gateway = await Gateway.StartAsync(Two);
        await gateway.ChatAsync("a");
        await gateway.ChatAsync("b");

        var explained = (await gateway.GetAsync("/api/explain")).Json;

        var resident = Assert.Single(explained.GetProperty("resident").EnumerateArray(), r => r.GetProperty("state").GetString() == "ready");
        Assert.Equal("b", resident.GetProperty("model").GetString());
        var evicted = Assert.Single(explained.GetProperty("decisions").EnumerateArray(), d => d.GetProperty("kind").GetString() == "evicted");
        Assert.Equal(("a", "b"), (evicted.GetProperty("model").GetString(), evicted.GetProperty("for").GetString()));
        Assert.Matches(@"^idle \d+ s, reload [\d.]+ s, frees 100\.00 MB for b$", evicted.GetProperty("reason").GetString());
        Assert.Equal(JsonValueKind.Array, explained.GetProperty("waiting").ValueKind);
        Assert.Contains(explained.GetProperty("next").EnumerateArray(), e => e.GetProperty("model").GetString() == "b");
    }

    [Fact]
    public async Task Explain_SomebodyWaitsForABusyModelsRoom_SaysForWhom()
    {
        await using var gateway = await Gateway.StartAsync(Two, "\"Memory\":{\"Budget\":\"150MB\",\"Reserve\":\"0MB\"},\"Residency\":{\"SwapPatience\":\"00:05:00\"}");
        await gateway.ChatAsync("a");
        using var person = await gateway.OpenChatAsync("a", "\"stream\":true,\"demo\":{\"endless\":true,\"token_delay\":0.01}");
        await person.ReadUntilAsync("data: ");
        using var other = await gateway.OpenChatAsync("b", "\"stream\":true");
        await gateway.UntilRunningAsync(r => r.Any(m => m is { Model: "a", Leases: 1 }));

        var waiting = default(JsonElement);
        await Gateway.UntilAsync(async () =>
        {
            var all = (await gateway.GetAsync("/api/explain")).Json.GetProperty("waiting");
            waiting = all.GetArrayLength() > 0 ? all[0] : default;
            return waiting.ValueKind == JsonValueKind.Object;
        });

        Assert.Equal(("b", 1), (waiting.GetProperty("model").GetString(), waiting.GetProperty("people").GetInt32()));
        Assert.Equal("it needs the room of a, which serves", waiting.GetProperty("why").GetString());
        Assert.NotEqual(JsonValueKind.Null, waiting.GetProperty("until").ValueKind);
    }
}
