using MlxGateway.Inference;
using MlxGateway.Supervision.Tests;
using Xunit;

namespace MlxGateway.Tests.Inference;

public sealed class SuspectRequestsTests
{
    private readonly ManualTimeProvider _clock = new();
    private readonly SuspectRequests _suspects;

    public SuspectRequestsTests() => _suspects = new SuspectRequests(_clock);

    [Fact]
    public async Task Refuse_TwoDeathsUnderItAlone_IsRefusedForTenMinutes()
    {
        await DieAsync("killer");
        Assert.Null(await RefusalAsync("killer"));
        _clock.Advance(TimeSpan.FromMinutes(9));
        await DieAsync("killer");

        var refused = await RefusalAsync("killer");
        Assert.Equal((400, "request_breaks_runner", "invalid_request_error"), (refused!.Status, refused.Code, refused.Type));
        Assert.Equal(
            "The runner of model 'm' broke 2 times while it worked on exactly this request, last: signal 9. The request is not tried again for 10 min, because it ends the model for everybody; change it, or ask another model.",
            refused.Message);

        _clock.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1));
        Assert.NotNull(await RefusalAsync("killer"));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await RefusalAsync("killer"));
    }

    [Fact]
    public async Task Refuse_DeathsThatAreLongApart_ProveNothing()
    {
        await DieAsync("killer");
        _clock.Advance(TimeSpan.FromMinutes(10));
        await DieAsync("killer");

        Assert.Null(await RefusalAsync("killer"));
    }

    // Whoever stands beside is not refused with it ...
    [Fact]
    public async Task Refuse_TwiceInCompany_IsNoProof()
    {
        await DieAsync("killer", "bystander");
        await DieAsync("killer", "bystander");

        Assert.Null(await RefusalAsync("killer"));
        Assert.Null(await RefusalAsync("bystander"));
    }

    // ... as soon as one of them was alone with a death, it is that one.
    [Fact]
    public async Task Refuse_OnceInCompanyAndOnceAlone_IsTheOne()
    {
        await DieAsync("killer", "bystander");
        await DieAsync("killer");

        Assert.NotNull(await RefusalAsync("killer"));
        Assert.Null(await RefusalAsync("bystander"));
    }

    [Fact]
    public async Task Refuse_ThreeTimesInAnyCompany_IsRefused()
    {
        await DieAsync("killer", "one");
        await DieAsync("killer", "two");
        await DieAsync("killer", "three");

        Assert.NotNull(await RefusalAsync("killer"));
        Assert.Null(await RefusalAsync("three"));
    }

    [Fact]
    public async Task Refuse_CopiesAtOneDeath_CountOnce()
    {
        await DieAsync("killer", "killer", "killer");

        Assert.Null(await RefusalAsync("killer"));
    }

    [Fact]
    public async Task Refuse_AnotherModelRouteOrBody_IsAnotherRequest()
    {
        await DieAsync("killer");
        await DieAsync("killer");

        Assert.NotNull(await RefusalAsync("killer"));
        Assert.Null(await RefusalAsync("killer "));
        using var request = await RequestAsync("killer");
        Assert.Null(_suspects.Refuse("other", request));
        using var elsewhere = await ClientExchange.RequestAsync(Body("killer"), InferenceRoute.Completions);
        Assert.Null(_suspects.Refuse("m", elsewhere));
    }

    // Where it stands between the pooled blocks of a large body does not matter.
    [Fact]
    public async Task Identity_LargeBody_IsThatOfItsBytes()
    {
        var text = new string('x', 3 << 20);
        using var one = await RequestAsync(text + "a");
        using var same = await RequestAsync(text + "a");
        using var other = await RequestAsync(text + "b");

        Assert.Equal(one.IdentityFor("m"), same.IdentityFor("m"));
        Assert.NotEqual(one.IdentityFor("m"), other.IdentityFor("m"));
    }

    [Fact]
    public async Task Note_MoreThanAreRemembered_TheOldestIsForgotten()
    {
        await DieAsync("oldest");
        _clock.Advance(TimeSpan.FromSeconds(1));
        await DieAsync("second");
        _clock.Advance(TimeSpan.FromSeconds(1));
        for (var i = 1; i < SuspectRequests.Most; i++)
        {
            await DieAsync($"request {i}");
        }

        await DieAsync("oldest");
        Assert.Null(await RefusalAsync("oldest")); // its first death is forgotten
        await DieAsync($"request {SuspectRequests.Most - 1}");
        Assert.NotNull(await RefusalAsync($"request {SuspectRequests.Most - 1}"));
    }

    private static string Body(string text) => $$"""{"model":"m","messages":[{"role":"user","content":"{{text}}"}]}""";

    private static Task<InferenceRequest> RequestAsync(string text) => ClientExchange.RequestAsync(Body(text));

    private async Task<GatewayError?> RefusalAsync(string text)
    {
        using var request = await RequestAsync(text);
        return _suspects.Refuse("m", request);
    }

    // A runner dies under these requests; each hears of it before it leaves.
    private async Task DieAsync(params string[] texts)
    {
        var company = _suspects.CompanyOf(new StubRunner(1));
        foreach (var _ in texts)
        {
            company.Enter();
        }

        foreach (var text in texts)
        {
            using var request = await RequestAsync(text);
            _suspects.Note("m", request, company, "signal 9.");
            company.Leave();
        }
    }
}
