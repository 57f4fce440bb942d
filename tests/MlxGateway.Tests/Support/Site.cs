using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MlxGateway.Tests.Support;

/// <summary>A web site with one page, whose script reports what came of what it tried.</summary>
internal sealed class Site : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TaskCompletionSource<Dictionary<string, string>> _report;

    private Site(WebApplication app, TaskCompletionSource<Dictionary<string, string>> report)
    {
        _app = app;
        _report = report;
    }

    /// <summary>Its port on loopback.</summary>
    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>What the script reported, by the name of what it tried.</summary>
    public Task<Dictionary<string, string>> Report => _report.Task;

    /// <summary>Starts it.</summary>
    /// <param name="script">What the page runs. In it <c>attempt(name, action)</c> notes what an action came to, and <c>await done()</c> reports.</param>
    public static async Task<Site> StartAsync(string script)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var report = new TaskCompletionSource<Dictionary<string, string>>(TaskCreationOptions.RunContinuationsAsynchronously);
        app.MapGet("/", () => Results.Content($$"""
            <!doctype html><title>page</title><body><script type="module">
            const seen = {};
            const attempt = async (name, action) => { try { seen[name] = String(await action()); } catch (e) { seen[name] = "blocked: " + e; } };
            const done = () => fetch("/report", { method: "POST", body: JSON.stringify(seen) });
            {{script}}
            </script></body>
            """, "text/html"));
        app.MapPost("/report", async (HttpRequest request) => report.TrySetResult((await JsonSerializer.DeserializeAsync<Dictionary<string, string>>(request.Body))!));
        await app.StartAsync();
        return new Site(app, report);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
