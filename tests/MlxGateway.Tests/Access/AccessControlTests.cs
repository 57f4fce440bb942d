using Microsoft.AspNetCore.Http;
using MlxGateway.Access;
using MlxGateway.Inference;
using MlxGateway.Tests.Inference;
using Xunit;

namespace MlxGateway.Tests.Access;

public sealed class AccessControlTests
{
    private static readonly HostPolicy Home = new([], "studio", network: false);

    [Theory]
    [InlineData("GET", "localhost:1234", null, null)]
    [InlineData("POST", "localhost:1234", null, null)] // a program
    [InlineData("POST", "localhost:1234", "http://localhost:3000", "cross-site")]
    [InlineData("POST", "localhost:1234", "https://chat.example.org", "cross-site")]
    [InlineData("POST", "[::1]:1234", null, "same-origin")]
    [InlineData("GET", "localhost:1234", "https://evil.com", "cross-site")] // the browser keeps the answer from the page
    public async Task Invoke_WhatMayComeIn_GoesOn(string method, string host, string? origin, string? site) => Assert.Null(await RefusalAsync(method, host, origin, site));

    [Theory]
    [InlineData("GET", "evil.com", null, null, "forbidden_host")]
    [InlineData("POST", "evil.com:1234", "http://localhost", null, "forbidden_host")]
    [InlineData("POST", "localhost", "https://evil.com", null, "forbidden_origin")]
    [InlineData("POST", "localhost", "null", null, "forbidden_origin")]
    [InlineData("POST", "localhost", "", null, "forbidden_origin")]
    [InlineData("DELETE", "localhost", "https://evil.com", null, "forbidden_origin")]
    [InlineData("POST", "localhost", null, "cross-site", "forbidden_origin")]
    [InlineData("POST", "localhost", "http://localhost,https://evil.com", null, "forbidden_origin")]
    public async Task Invoke_ForeignPage_IsRefused(string method, string host, string? origin, string? site, string code) =>
        Assert.Equal(code, await RefusalAsync(method, host, origin, site));

    // It would load a model, and the page does not need the answer for that.
    [Theory]
    [InlineData("GET", "https://evil.com", "cross-site")]
    [InlineData("GET", null, "cross-site")] // the address of an image
    [InlineData("OPTIONS", "https://evil.com", null)]
    public async Task Invoke_ForeignPageOnWhatReachesARunner_IsRefusedByAnyMethod(string method, string? origin, string? site) =>
        Assert.Equal("forbidden_origin", await RefusalAsync(method, "localhost", origin, site, new Endpoint(null, new EndpointMetadataCollection(InferenceRoute.Upstream), "upstream")));

    private static async Task<string?> RefusalAsync(string method, string host, string? origin, string? site, Endpoint? endpoint = null)
    {
        var client = new ClientExchange();
        client.Context.SetEndpoint(endpoint);
        var request = client.Context.Request;
        (request.Method, request.Host) = (method, new HostString(host));
        if (origin is not null)
        {
            request.Headers.Origin = origin.Split(',');
        }

        if (site is not null)
        {
            request.Headers["Sec-Fetch-Site"] = site;
        }

        var passed = false;
        await new AccessControl(Next, Home, new OriginPolicy(Home, ["https://chat.example.org"])).InvokeAsync(client.Context);
        return passed ? null : client.Error.GetProperty("code").GetString();

        Task Next(HttpContext context)
        {
            passed = true;
            return Task.CompletedTask;
        }
    }
}
