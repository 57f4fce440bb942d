using Microsoft.Extensions.Logging.Abstractions;
using MlxGateway.Admin.History;
using MlxGateway.Inference;
using MlxGateway.Supervision.Tests;
using Xunit;

namespace MlxGateway.Tests.Admin;

/// <summary>What is remembered of requests that are over, over restarts, kills and full disks.</summary>
public sealed class RequestHistoryTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlxgateway-history-");

    private string Newer => Path.Combine(_folder.FullName, "requests.jsonl");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Find_AfterARestart_HasAllOfItAndGoesOnCounting()
    {
        using (var first = Start())
        {
            Complete(first, 5);
            _time.Advance(TimeSpan.FromSeconds(1)); // as a gateway that is killed afterwards
        }

        using var second = Start();
        Complete(second, 1, model: "other");

        var all = second.Find(new HistoryQuery()).Requests;
        Assert.Equal([6, 5, 4, 3, 2, 1], all.Select(r => r.Number));
        Assert.Equal(("other", "m"), (all[0].Model, all[1].Model));
        Assert.Equal((12, 34, 0.25, 2.5, "completed", 200, "stop", "anna"), (all[5].PromptTokens, all[5].CompletionTokens, all[5].QueueSeconds, all[5].LoadSeconds, all[5].Outcome, all[5].Status, all[5].FinishReason, all[5].Key));
        Assert.Equal(_time.GetUtcNow().UtcDateTime - TimeSpan.FromSeconds(1), all[5].At);
    }

    [Fact]
    public void Behind_ANumber_HasWhatCameAfterItTheOldestFirst()
    {
        using var history = Start();
        Complete(history, 5);

        Assert.Equal([1, 2, 3, 4, 5], history.Behind(0, 10).Select(r => r.Number));
        Assert.Equal([4, 5], history.Behind(0, 2).Select(r => r.Number));
        Assert.Equal([5], history.Behind(4, 10).Select(r => r.Number));
        Assert.Empty(history.Behind(5, 10));
        Complete(history, 1);
        Assert.Equal([6], history.Behind(5, 10).Select(r => r.Number));
    }

    // Wherever a kill cuts the last line, the lines before it and those of the next gateway are whole.
    [Fact]
    public void Find_LastLineWasTornAnywhere_LosesThatLineAtMost()
    {
        using (var first = Start())
        {
            Complete(first, 2);
            first.Find(new HistoryQuery());
        }

        var whole = File.ReadAllBytes(Newer);
        for (var cut = Array.IndexOf(whole, (byte)'\n') + 1; cut <= whole.Length; cut++)
        {
            File.WriteAllBytes(Newer, whole[..cut]);
            using (var second = Start())
            {
                Complete(second, 1, model: "after");
                second.Find(new HistoryQuery());
            }

            using var third = Start();
            var models = third.Find(new HistoryQuery()).Requests.Select(r => r.Model).ToList();
            Assert.Equal(cut >= whole.Length - 1 ? ["after", "m", "m"] : ["after", "m"], models);
        }
    }

    [Fact]
    public void Append_ForEver_KeepsAsManyAsItShallAndTheDiskIsBounded()
    {
        using (var history = Start(capacity: 10))
        {
            for (var i = 0; i < 57; i++)
            {
                Complete(history, 1);
                history.Find(new HistoryQuery());
            }

            Assert.Equal(Enumerable.Range(48, 10).Reverse().Select(n => (long)n), history.Find(new HistoryQuery()).Requests.Select(r => r.Number));
        }

        Assert.Equal(2, _folder.GetFiles().Length);
        Assert.All(_folder.GetFiles(), f => Assert.InRange(File.ReadAllLines(f.FullName).Length, 1, 10));
        using var next = Start(capacity: 10);
        Assert.Equal(Enumerable.Range(48, 10).Reverse().Select(n => (long)n), next.Find(new HistoryQuery()).Requests.Select(r => r.Number));
    }

    [Fact]
    public void Append_DiskRefuses_RemembersInMemoryAndWritesAgainWhenItCan()
    {
        using (var history = Start())
        {
            _folder.Delete();
            File.WriteAllText(_folder.FullName, "no folder"); // nothing can be written below a file
            Complete(history, 3);
            Assert.Equal(3, history.Find(new HistoryQuery()).Requests.Count);

            File.Delete(_folder.FullName);
            Complete(history, 1, model: "later");
            history.Find(new HistoryQuery());
        }

        using var next = Start();
        Assert.Equal(["later"], next.Find(new HistoryQuery()).Requests.Select(r => r.Model));
    }

    [Fact]
    public void Find_PageByPage_ShowsEachThatIsWantedOnce()
    {
        using var history = Start();
        var random = new Random(7);
        var outcomes = Enum.GetValues<RequestOutcome>();
        for (var i = 0; i < 500; i++)
        {
            history.Completed(Record(random.Next(3) == 0 ? null : $"m{random.Next(3)}", outcomes[random.Next(outcomes.Length)], random.Next(2) == 0 ? "anna" : null));
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        var start = history.Find(new HistoryQuery { Limit = 1000 }).Requests[^1].At;
        HistoryQuery[] queries =
        [
            new(), new() { Model = "m1" }, new() { Outcome = "client_left" }, new() { Key = "anna", Model = "m2" },
            new() { Since = start.AddSeconds(100), Until = start.AddSeconds(200) }, new() { Model = "nobody" },
        ];
        foreach (var query in queries)
        {
            var wanted = history.Find(query with { Limit = 1000 });
            Assert.Null(wanted.Next);
            foreach (var limit in new[] { 1, 7, 100 })
            {
                var seen = new List<long>();
                long? before = null;
                do
                {
                    var page = history.Find(query with { Limit = limit, Before = before });
                    Assert.InRange(page.Requests.Count, page.Next is null ? 0 : limit, limit);
                    seen.AddRange(page.Requests.Select(r => r.Number));
                    before = page.Next;
                }
                while (before is not null);

                Assert.Equal(wanted.Requests.Select(r => r.Number), seen);
            }
        }

        Assert.Equal(100, history.Find(queries[4] with { Limit = 1000 }).Requests.Count);
        Assert.All(history.Find(queries[3]).Requests, r => Assert.Equal(("anna", "m2"), (r.Key, r.Model)));
    }

    [Fact]
    public void Completed_HistoryIsOff_RemembersNothing()
    {
        using var history = Start(capacity: 0);
        Complete(history, 3);

        Assert.Empty(history.Find(new HistoryQuery()).Requests);
        Assert.Empty(_folder.GetFiles());
    }

    private RequestHistory Start(int capacity = 1000) => new(_folder.FullName, capacity, _time, NullLogger<RequestHistory>.Instance);

    private static void Complete(RequestHistory history, int count, string model = "m")
    {
        for (var i = 0; i < count; i++)
        {
            history.Completed(Record(model, RequestOutcome.Completed, "anna"));
        }
    }

    private static RequestRecord Record(string? model, RequestOutcome outcome, string? key) => new()
    {
        Id = "req_1",
        Route = "/v1/chat/completions",
        Model = model,
        Runner = "demo",
        Caller = key,
        Outcome = outcome,
        Status = 200,
        Stream = true,
        Queued = TimeSpan.FromSeconds(0.25),
        Loading = TimeSpan.FromSeconds(2.5),
        PromptTokens = 12,
        CompletionTokens = 34,
        TokensPerSecond = double.PositiveInfinity,
        FinishReason = "stop",
    };
}
