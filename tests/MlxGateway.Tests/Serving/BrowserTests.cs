using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>What a browser is told, for a page that may use the gateway and for one that may not.</summary>
public sealed class BrowserTests(DemoGateway fixture) : IClassFixture<DemoGateway>
{
    private const string Page = "http://localhost:3000";

    private Gateway Gateway => fixture.Gateway;

    [Theory]
    [InlineData("/v1/chat/completions", "POST")]
    [InlineData("/v1/models", "GET")]
    [InlineData("/upstream/steady/health", "GET")]
    [InlineData("/nowhere", "DELETE")]
    public async Task Preflight_OfOurPage_IsAnsweredWithAllThatItAsksFor(string path, string method)
    {
        var answer = await AskFirstAsync(path, method, Page, ("Access-Control-Request-Headers", "authorization,content-type,x-stainless-lang"), ("Access-Control-Request-Private-Network", "true"));

        Assert.Equal((204, ""), (answer.Status, answer.Text));
        Assert.Equal(Page, answer.Header("Access-Control-Allow-Origin"));
        Assert.Equal("authorization,content-type,x-stainless-lang", answer.Header("Access-Control-Allow-Headers"));
        Assert.Equal(method, answer.Header("Access-Control-Allow-Methods"));
        Assert.Equal("true", answer.Header("Access-Control-Allow-Private-Network"));
        Assert.Equal("600", answer.Header("Access-Control-Max-Age"));
        Assert.Equal("Origin", answer.Header("Vary"));
        Assert.Null(answer.Header("Access-Control-Allow-Credentials"));
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("null")]
    public async Task Preflight_OfAForeignPage_IsToldNothing(string origin)
    {
        var answer = await AskFirstAsync("/v1/chat/completions", "POST", origin, ("Access-Control-Request-Private-Network", "true"));

        Assert.Equal((204, null, null), (answer.Status, answer.Header("Access-Control-Allow-Origin"), answer.Header("Access-Control-Allow-Private-Network")));
    }

    [Theory]
    [InlineData("\"stream\":false", "steady", 200)]
    [InlineData("\"stream\":true", "steady", 200)]
    [InlineData("\"stream\":true", "nobody", 404)]
    [InlineData("\"stream\":7", "steady", 400)]
    [InlineData("\"stream\":false", "huge", 400)]
    public async Task Chat_OfOurPage_MayBeReadWhateverItsStatus(string members, string model, int status)
    {
        var answer = await Gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody(model, members), ("Origin", Page));

        Assert.Equal((status, Page, "Origin"), (answer.Status, answer.Header("Access-Control-Allow-Origin"), answer.Header("Vary")));
        Assert.Contains("x-request-id", answer.Header("Access-Control-Expose-Headers"), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task List_ForAForeignPage_IsNotReadable()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        var answer = await Gateway.SendAsync(request, ("Origin", "https://evil.example"));

        Assert.Equal((200, null), (answer.Status, answer.Header("Access-Control-Allow-Origin")));
    }

    [Fact]
    public async Task Chat_OfAPageThatWasNamed_IsServed()
    {
        await using var gateway = await Gateway.StartAsync("""
            "steady": {"Runner":"demo","Memory":"100MB"}
            """, """
            "Access":{"AllowedOrigins":["https://*.example.org"]},"Memory":{"Reserve":"0GB"}
            """);

        var named = await gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("steady"), ("Origin", "https://chat.example.org"));
        var other = await gateway.PostAsync("/v1/chat/completions", Gateway.ChatBody("steady"), ("Origin", "https://example.com"));

        Assert.Equal((200, "https://chat.example.org"), (named.Status, named.Header("Access-Control-Allow-Origin")));
        Assert.Equal((403, "forbidden_origin", null), (other.Status, other.Code, other.Header("Access-Control-Allow-Origin")));
    }

    private async Task<Answer> AskFirstAsync(string path, string method, string origin, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, path);
        return await Gateway.SendAsync(request, [("Origin", origin), ("Access-Control-Request-Method", method), .. headers]);
    }
}
