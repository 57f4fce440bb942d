using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace MlxGateway.Tests.Support;

/// <summary>Stands in for the Hub, with its routes, headers and errors as its own client knows them, and with the faults that networks have.</summary>
public sealed class StandInHub : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, HubRepository> _repositories = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<HubRequest> _requests = new();

    private StandInHub(WebApplication app) => _app = app;

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_app.Urls.First());

    /// <summary>Everything that was asked of it.</summary>
    public IReadOnlyList<HubRequest> Requests => [.. _requests];

    /// <summary>What is done with the bytes of every file; null: they are sent.</summary>
    public HubFault? Fault { get; set; }

    /// <summary>Repositories that are not there, of which it says no more than a file server would.</summary>
    public HashSet<string> Plain { get; } = [];

    /// <summary>What a search answers, as JSON.</summary>
    public string Listing { get; set; } = "[]";

    /// <summary>The status of a search.</summary>
    public int ListingStatus { get; set; } = 200;

    /// <summary>Starts it on a free port of this machine.</summary>
    public static async Task<StandInHub> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(static server => server.Limits.MinResponseDataRate = null);
        var app = builder.Build();
        var hub = new StandInHub(app);
        app.MapGet("/api/models", (HttpContext context) => hub.ListAsync(context));
        app.MapGet("/api/models/{org}/{name}", (HttpContext context, string org, string name) => hub.DescribeAsync(context, $"{org}/{name}"));
        app.MapGet("/api/models/{org}/{name}/revision/{revision}", (HttpContext context, string org, string name) => hub.DescribeAsync(context, $"{org}/{name}"));
        app.MapGet("/{org}/{name}/resolve/{revision}/{**file}", (HttpContext context, string org, string name, string file) => hub.SendAsync(context, $"{org}/{name}", file));
        await app.StartAsync();
        return hub;
    }

    /// <summary>Puts a repository there.</summary>
    public HubRepository Add(string id, params HubFile[] files) => _repositories[id] = new HubRepository(files);

    /// <summary>The files of a folder, the large ones kept as the Hub keeps them.</summary>
    public static HubFile[] FilesOf(string folder) =>
        [.. Directory.GetFiles(folder).Select(path => new HubFile(Path.GetFileName(path), File.ReadAllBytes(path)) { IsLarge = path.EndsWith(".safetensors", StringComparison.Ordinal) || path.EndsWith(".gguf", StringComparison.Ordinal) })];

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Fault?.Release();
        using var atOnce = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(atOnce.Token);
        await _app.DisposeAsync();
    }

    private void Note(HttpContext context) =>
        _requests.Enqueue(new HubRequest(context.Request.Path.Value! + context.Request.QueryString, context.Request.Headers.Range.ToString(), context.Request.Headers.Authorization.ToString()));

    private async Task ListAsync(HttpContext context)
    {
        Note(context);
        await (Fault?.WaitAsync(context.RequestAborted) ?? Task.CompletedTask);
        context.Response.StatusCode = ListingStatus;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(Listing);
    }

    private async Task DescribeAsync(HttpContext context, string id)
    {
        Note(context);
        if (Find(context, id) is not { } repository)
        {
            return;
        }

        if (repository.Busy > 0)
        {
            repository.Busy--;
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }

        var siblings = repository.Files.Select(file => file.IsLarge
            ? (object)new { rfilename = file.Name, size = file.Size, blobId = file.GitHash, lfs = new { sha256 = file.Sha256, size = file.Size, pointerSize = 134 } }
            : new { rfilename = file.Name, size = file.Size, blobId = file.GitHash });
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(JsonSerializer.Serialize(new
        {
            _id = "0123456789abcdef01234567", id, modelId = id, sha = repository.Commit, @private = repository.IsPrivate, gated = repository.IsGated ? (object)"manual" : false, disabled = false, downloads = 7, likes = 1,
            tags = Array.Empty<string>(), siblings, createdAt = "2026-01-01T00:00:00.000Z", lastModified = "2026-01-01T00:00:00.000Z",
        }));
    }

    private async Task SendAsync(HttpContext context, string id, string name)
    {
        Note(context);
        if (Find(context, id) is not { } repository)
        {
            return;
        }

        var response = context.Response;
        if (repository.IsGated && repository.Token is { } gate && context.Request.Headers.Authorization != $"Bearer {gate}")
        {
            response.StatusCode = StatusCodes.Status403Forbidden;
            response.Headers["X-Error-Code"] = "GatedRepo";
            response.Headers["X-Error-Message"] = "Access to this model is restricted.";
            return;
        }

        if (repository.Files.FirstOrDefault(f => f.Name == name) is not { } file)
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            response.Headers["X-Error-Code"] = "EntryNotFound";
            return;
        }

        var from = context.Request.Headers.Range.ToString() is { Length: > 0 } range ? int.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture) : 0;
        response.Headers["X-Repo-Commit"] = repository.Commit;
        response.Headers.ETag = $"\"{(file.IsLarge ? file.Sha256 : file.GitHash)}\"";
        response.Headers["X-Linked-Etag"] = response.Headers.ETag;
        response.Headers["X-Linked-Size"] = file.Size.ToString(CultureInfo.InvariantCulture);
        response.Headers.AcceptRanges = "bytes";
        if (from > 0)
        {
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = $"bytes {from}-{file.Bytes.Length - 1}/{file.Bytes.Length}";
        }

        response.ContentLength = file.Bytes.Length - from;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await (Fault is { } fault && file.IsLarge ? fault.SendAsync(context, file.Bytes, from) : response.Body.WriteAsync(file.Bytes.AsMemory(from), context.RequestAborted).AsTask());
        }
    }

    // As the Hub has it: to whom it does not show a repository, it says that there is none, and to whom has not said who they are, that they should.
    private HubRepository? Find(HttpContext context, string id)
    {
        var repository = _repositories.GetValueOrDefault(id);
        if (repository is not null && (!repository.IsPrivate || context.Request.Headers.Authorization == $"Bearer {repository.Token}"))
        {
            return repository;
        }

        if (Plain.Contains(id))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return null;
        }

        context.Response.StatusCode = context.Request.Headers.Authorization.Count == 0 ? StatusCodes.Status401Unauthorized : StatusCodes.Status404NotFound;
        context.Response.Headers["X-Error-Code"] = "RepoNotFound";
        context.Response.Headers["X-Error-Message"] = "Repository not found";
        return null;
    }
}

/// <summary>A request that the stand-in got.</summary>
public sealed record HubRequest(string Path, string Range, string Authorization);

/// <summary>A repository of the stand-in.</summary>
public sealed class HubRepository(IReadOnlyList<HubFile> files)
{
    /// <summary>Its files.</summary>
    public IReadOnlyList<HubFile> Files { get; } = files;

    /// <summary>Its only revision.</summary>
    public string Commit { get; set; } = "0123456789abcdef0123456789abcdef01234567";

    /// <summary>Whether it is shown only to who has its token.</summary>
    public bool IsPrivate { get; set; }

    /// <summary>Whether its files are given only to who has its token.</summary>
    public bool IsGated { get; set; }

    /// <summary>The token that opens it.</summary>
    public string? Token { get; set; }

    /// <summary>How many more times it is too busy to be described.</summary>
    public int Busy { get; set; }
}

/// <summary>A file of the stand-in.</summary>
public sealed record HubFile(string Name, byte[] Bytes)
{
    /// <summary>Made of a text.</summary>
    public HubFile(string name, string text)
        : this(name, Encoding.UTF8.GetBytes(text))
    {
    }

    /// <summary>Whether it is kept outside of git, as weights are.</summary>
    public bool IsLarge { get; init; }

    /// <summary>The size that is told.</summary>
    public long Size { get; init; } = Bytes.Length;

    /// <summary>The hash that is told.</summary>
    public string Sha256 { get; init; } = Convert.ToHexStringLower(SHA256.HashData(Bytes));

    /// <summary>What git calls it.</summary>
#pragma warning disable CA5350 // Git's own.
    public string GitHash => Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {Bytes.Length}\0")), .. Bytes]));
#pragma warning restore CA5350
}

/// <summary>A line on which large files do not come through at once.</summary>
public sealed class HubFault
{
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>After how many bytes of a request something happens.</summary>
    public int After { get; init; }

    /// <summary>How many more requests are broken off there.</summary>
    public int Breaks { get; set; }

    /// <summary>What a request is held up for before it is broken off, told the place from which on it asked; null: nothing, so that all that is on the way may be lost.</summary>
    public Func<int, Task>? BeforeBreak { get; init; }

    /// <summary>Whether those that are not broken off stand still there until <see cref="Release"/>.</summary>
    public bool Holds { get; init; }

    /// <summary>Lets what stands still go on.</summary>
    public void Release() => _released.TrySetResult();

    internal Task WaitAsync(CancellationToken cancellationToken) => Holds ? _released.Task.WaitAsync(cancellationToken) : Task.CompletedTask;

    internal async Task SendAsync(HttpContext context, byte[] bytes, int from)
    {
        var first = Math.Min(After, bytes.Length - from);
        await context.Response.Body.WriteAsync(bytes.AsMemory(from, first), context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
        if (Breaks > 0)
        {
            Breaks--;
            await (BeforeBreak?.Invoke(from) ?? Task.CompletedTask);
            context.Abort();
            return;
        }

        try
        {
            await WaitAsync(context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        await context.Response.Body.WriteAsync(bytes.AsMemory(from + first), context.RequestAborted);
    }
}
