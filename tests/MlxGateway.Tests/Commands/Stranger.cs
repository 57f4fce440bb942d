using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MlxGateway.Tests.Commands;

/// <summary>Somebody else's server.</summary>
internal sealed class Stranger : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Stranger(WebApplication app) => _app = app;

    /// <summary>Where it is.</summary>
    public string Address => _app.Urls.First();

    /// <summary>The bodies that were posted to it.</summary>
    public List<string> Bodies { get; } = [];

    /// <summary>One that answers everything with this.</summary>
    public static Task<Stranger> AnswerAsync(string body, string type = "text/html") => StartAsync((context, _) =>
    {
        context.Response.ContentType = type;
        return context.Response.WriteAsync(body);
    });

    /// <summary>One that does this.</summary>
    public static async Task<Stranger> StartAsync(Func<HttpContext, string, Task> answer)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        var app = builder.Build();
        var stranger = new Stranger(app);
        app.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var body = await reader.ReadToEndAsync(context.RequestAborted);
            stranger.Bodies.Add(body);
            await answer(context, body);
        });
        await app.StartAsync();
        return stranger;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
