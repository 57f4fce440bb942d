using System.Diagnostics;
using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>The list of models as clients get it over HTTP.</summary>
public sealed class ModelsTests
{
    private const int Models = 500;

    [Fact]
    public async Task List_OfFiveHundredModelsWhileOneLoads_IsThereInMilliseconds()
    {
        await using var gateway = await Gateway.StartAsync(
            string.Join(',', Enumerable.Range(0, Models).Select(i => $$"""
                "org/model-{{i:000}}":{"Runner":"demo","Memory":"{{1 + i}}MB"{{(i == 7 ? ",\"Args\":[\"--load-time\",\"600\"]" : "")}}}
                """)));
        await gateway.GetAsync("/v1/models");
        using var slow = new CancellationTokenSource();
        var loading = gateway.Client.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), new StringContent(Gateway.ChatBody("org/model-007")), slow.Token);
        await gateway.UntilRunningAsync(running => running.Any(m => m.State == "launching"));

        var times = new List<TimeSpan>();
        JsonElement list = default;
        for (var i = 0; i < 100; i++)
        {
            var start = Stopwatch.GetTimestamp();
            var answer = await gateway.GetAsync("/v1/models");
            times.Add(Stopwatch.GetElapsedTime(start));
            list = answer.Json;
        }

        // What it is measured with shares two busy processors with it; a list that reads files or waits for the runner is far above.
        Assert.InRange(times.Order().ElementAt(50), TimeSpan.Zero, TimeSpan.FromMilliseconds(100));
        Assert.Equal(Models, list.GetProperty("data").GetArrayLength());
        Assert.All(list.GetProperty("data").EnumerateArray(), m => Assert.False(string.IsNullOrEmpty(m.GetProperty("name").GetString())));
        Assert.Equal("loading", list.GetProperty("data")[7].GetProperty("status").GetProperty("value").GetString());
        await slow.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loading);
    }

    [Theory]
    [InlineData("org/with/slashes")]
    [InlineData("org%2Fwith%2fslashes")]
    [InlineData("family:latest")]
    [InlineData("family%3Alatest")]
    public async Task Show_IdsWithSlashesAndColons_AreFound(string id)
    {
        await using var gateway = await Gateway.StartAsync("""
            "org/with/slashes":{"Runner":"demo","Memory":"1MB","Aliases":["family:latest"],"Env":{"TOKEN":"very-secret"},"Args":["--load-time","0.1"]}
            """);

        var answer = await gateway.GetAsync($"/v1/models/{id}");

        Assert.Equal("org/with/slashes", answer.Json.GetProperty("id").GetString());
        Assert.Equal("fits", answer.Json.GetProperty("fit").GetProperty("value").GetString());
        Assert.Equal(1 << 20, answer.Json.GetProperty("memory").GetProperty("required_bytes").GetInt32());
        Assert.DoesNotContain("very-secret", answer.Text, StringComparison.Ordinal);
    }
}
