using Microsoft.AspNetCore.Http;
using MlxGateway.Access;
using MlxGateway.Tests.Inference;
using Xunit;

namespace MlxGateway.Tests.Access;

public sealed class AccessControlTests
{
    [Theory]
    [InlineData("GET", "localhost:1234", null, null)]
    [InlineData("POST", "localhost:1234", null, null)] // a program
    [InlineData("POST", "localhost:1234", "http://localhost:3000", "cross-site")]
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

    private static async Task<string?> RefusalAsync(string method, string host, string? origin, string? site)
    {
        var client = new ClientExchange();
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
        await new AccessControl(Next, new HostPolicy([], "studio", network: false)).InvokeAsync(client.Context);
        return passed ? null : client.Error.GetProperty("code").GetString();

        Task Next(HttpContext context)
        {
            passed = true;
            return Task.CompletedTask;
        }
    }
}
