using MlxGateway.Access;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Tests.Access;

public sealed class OriginPolicyTests
{
    private static readonly OriginPolicy Pages = Of();

    [Theory]
    [InlineData("http://localhost")]
    [InlineData("http://localhost:3000")]
    [InlineData("HTTP://LOCALHOST:3000")]
    [InlineData("https://localhost:8443")]
    [InlineData("http://127.0.0.1:1234")]
    [InlineData("http://[::1]:1234")]
    [InlineData("http://app.localhost:5173")]
    [InlineData("http://localhost.:80")]
    [InlineData("http://studio.local:3000")]
    public void Allows_PageOfThisMachine_IsTaken(string origin) => Assert.True(Pages.Allows(origin));

    [Theory]
    [InlineData("null")] // a sandboxed frame or a file
    [InlineData("")]
    [InlineData("https://evil.com")]
    [InlineData("http://localhost.evil.com")]
    [InlineData("http://localhost@evil.com")]
    [InlineData("http://localhost:80@evil.com")]
    [InlineData("http://127.0.0.1.evil.com:1234")]
    [InlineData("http://evil.com/localhost")]
    [InlineData("http://evil.com#localhost")]
    [InlineData("http://evil.com?localhost")]
    [InlineData("http://192.168.1.5")]
    [InlineData("file:///etc/passwd")]
    [InlineData("/etc/passwd")]
    [InlineData("chrome-extension://localhost")]
    [InlineData("localhost")]
    [InlineData("//localhost")]
    [InlineData("ftp://localhost")]
    public void Allows_PageOfSomebodyElse_IsRefused(string origin) => Assert.False(Pages.Allows(origin));

    [Theory]
    [InlineData("https://chat.example.org", "https://chat.example.org")]
    [InlineData("https://chat.example.org/", "https://CHAT.example.org")]
    [InlineData("https://chat.example.org:8443", "https://chat.example.org:8443")]
    [InlineData("https://*.example.org", "https://a.b.example.org")]
    [InlineData("https://*.example.org:8443", "https://chat.example.org:8443")]
    [InlineData("vscode-webview://*", "vscode-webview://1s2a3b")]
    [InlineData("tauri://localhost", "tauri://localhost")]
    [InlineData("null", "null")]
    [InlineData("*", "https://evil.com")]
    [InlineData("*", "null")]
    public void Allows_PageThatWasNamed_IsTaken(string allowed, string origin) => Assert.True(Of(allowed).Allows(origin));

    [Theory]
    [InlineData("https://chat.example.org", "http://chat.example.org")]
    [InlineData("https://chat.example.org", "https://chat.example.org:8443")]
    [InlineData("https://chat.example.org", "https://chat.example.org.evil.com")]
    [InlineData("https://*.example.org", "https://example.org")]
    [InlineData("https://*.example.org", "https://.example.org")]
    [InlineData("https://*.example.org", "https://evilexample.org")]
    [InlineData("https://*.example.org", "https://evil.com/.example.org")]
    [InlineData("https://*.example.org", "https://evil.com#.example.org")]
    [InlineData("https://*.example.org", "https://a@.example.org")]
    [InlineData("vscode-webview://*", "vscode-webview://")]
    [InlineData("vscode-webview://*", "https://vscode-webview://x")]
    [InlineData("*", "")]
    public void Allows_PageThatOnlyLooksLikeIt_IsRefused(string allowed, string origin) => Assert.False(Of(allowed).Allows(origin));

    [Fact]
    public void Allows_EveryHostIsTaken_MakesNoPageOurs() => Assert.False(new OriginPolicy(new HostPolicy(["*"], "studio", network: false), []).Allows("https://evil.com"));

    [Theory]
    [InlineData("chat.example.org")]
    [InlineData("https://")]
    [InlineData("https://chat.example.org/path")]
    [InlineData("https://*example.org")]
    [InlineData("https://chat.*.org")]
    [InlineData("")]
    [InlineData("**")]
    public void Check_WhatNoBrowserSends_IsAMistakeWithItsKey(string allowed)
    {
        var errors = new SettingsErrors();
        OriginPolicy.Check(["*", "null", "https://*.example.org", "app://*", "http://10.0.0.1:3000/", allowed], errors);

        Assert.StartsWith("MlxGateway:Access:AllowedOrigins:5", Assert.Single(errors.All).ToString(), StringComparison.Ordinal);
    }

    private static OriginPolicy Of(params string[] allowed) => new(new HostPolicy([], "studio", network: false), allowed);
}
