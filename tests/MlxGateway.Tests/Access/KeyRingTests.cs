using System.Security.Cryptography;
using System.Text;
using MlxGateway.Access;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Tests.Access;

public sealed class KeyRingTests
{
    [Fact]
    public void Find_KeyOfTheRing_IsThatOneAndNoOther()
    {
        using var ring = new KeyRing(new Dictionary<string, KeyOptions> { ["a"] = Key("sk-a"), ["b"] = Key("sk-\u20ac"), ["long"] = Key(new string('x', 4096)) });

        Assert.Equal("a", ring.Find("sk-a")?.Name);
        Assert.Equal("b", ring.Find("sk-\u20ac")?.Name);
        Assert.Equal("long", ring.Find(new string('x', 4096))?.Name);
        foreach (var wrong in new[] { "", "sk-", "sk-A", "sk-a ", "sk-aa", Key("sk-a").Hash!, new string('x', 4095), new string('x', 1 << 20) })
        {
            Assert.Null(ring.Find(wrong));
        }
    }

    [Fact]
    public void Check_EveryMistake_IsNamedAndNoKeyIsShown()
    {
        var errors = new SettingsErrors();

        KeyRing.Check(
            new Dictionary<string, KeyOptions>
            {
                ["good"] = Key("x"),
                ["twin"] = Key("x"),
                ["plain"] = new() { Hash = "sk-very-secret" },
                ["short"] = new() { Hash = "sha256:00ff" },
                ["digits"] = new() { Hash = "sha256:" + new string('g', 64) },
                ["scopes"] = Key("y", scopes: ["inference", "root"]),
                ["none"] = Key("z", scopes: []),
                ["missing"] = new(),
            },
            errors);

        Assert.Equal(["twin:Hash", "plain:Hash", "short:Hash", "digits:Hash", "scopes:Scopes", "none:Scopes"], errors.All.Select(e => e.Key["MlxGateway:Access:Keys:".Length..]));
        Assert.DoesNotContain(errors.All, e => e.ToString().Contains("very-secret", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("org/chat", true)]
    [InlineData("org/chat-7b", true)]
    [InlineData("chat", true)]
    [InlineData("Org/chat", false)]
    [InlineData("other", false)]
    [InlineData("alias-of-other", false)]
    public void MayUse_ListOfModels_IsIdsAliasesAndBeginnings(string id, bool may)
    {
        using var key = new ApiKey("k", Key("x", models: ["chat", "org/chat*", "gpt-4o"]));

        Assert.Equal(may, key.MayUse(new ModelSpec { Id = id, Runner = "demo" }));
        Assert.True(key.MayUse(new ModelSpec { Id = "third", Runner = "demo", Aliases = ["gpt-4o"] }));
    }

    [Fact]
    public async Task Enter_ManyAtTheSameMoment_LetsInAsManyAsMayBe()
    {
        using var key = new ApiKey("k", Key("x", atOnce: 3));
        using var start = new ManualResetEventSlim();
        var all = Enumerable.Range(0, 24).Select(_ => Task.Run(() =>
        {
            start.Wait();
            return key.Enter();
        })).ToArray();

        start.Set();
        var entered = await Task.WhenAll(all);

        Assert.Equal(3, entered.Count(e => e.Error is null));
        Assert.All(entered.Where(e => e.Error is not null), e => Assert.Equal((429, "rate_limit_exceeded", 1), (e.Error!.Status, e.Error.Code, e.Error.RetryAfterSeconds)));
        entered.First(e => e.Error is null).Place!.Dispose();
        Assert.Null(key.Enter().Error);
        Assert.NotNull(key.Enter().Error);
    }

    [Fact]
    public void Enter_MoreThanAMinuteMaySee_IsRefusedWithTheTimeToWaitAndTakesNoPlace()
    {
        using var key = new ApiKey("k", Key("x", atOnce: 10, aMinute: 3));
        for (var i = 0; i < 3; i++)
        {
            var (place, error) = key.Enter();
            Assert.Null(error);
            place!.Dispose();
        }

        for (var i = 0; i < 20; i++)
        {
            var refused = key.Enter().Error!;
            Assert.Equal((429, "rate_limit_exceeded"), (refused.Status, refused.Code));
            Assert.Contains("this minute", refused.Message, StringComparison.Ordinal); // and not: too many at once
            Assert.InRange(refused.RetryAfterSeconds!.Value, 1, 21);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(599)]
    [InlineData(601)]
    [InlineData(60_000)]
    [InlineData(999_999)]
    [InlineData(1_000_000)]
    public void Refill_AnyNumberAMinute_IsThatManyAndNoBusyTimer(int aMinute)
    {
        var (requests, every) = ApiKey.Refill(aMinute);

        Assert.Equal(aMinute, requests * (TimeSpan.FromMinutes(1) / every), 0.01 * aMinute);
        Assert.InRange(every, TimeSpan.FromMilliseconds(100) - TimeSpan.FromTicks(1), TimeSpan.FromMinutes(1));
    }

    internal static KeyOptions Key(string key, List<string>? scopes = null, List<string>? models = null, int atOnce = 0, int aMinute = 0) => new()
    {
        Hash = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key))),
        Scopes = scopes ?? ["inference"],
        Models = models ?? [],
        MaxConcurrency = atOnce,
        RequestsPerMinute = aMinute,
    };
}
