using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Tests.Inference;

/// <summary>A client's exchange without a server: what reached the client, piece by piece. The response begins with its first byte, as it does on a wire.</summary>
internal sealed class ClientExchange
{
    private readonly ResponseFeature _feature = new();
    private readonly Lifetime _lifetime = new();

    public ClientExchange()
    {
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature { Method = "POST", Path = "/v1/chat/completions" });
        features.Set<IHttpResponseFeature>(_feature);
        features.Set<IHttpRequestLifetimeFeature>(_lifetime);
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(new Receiver(_feature)));
        Context = new DefaultHttpContext(features) { TraceIdentifier = "req_1" };
    }

    public DefaultHttpContext Context { get; }

    public HttpResponse Response => Context.Response;

    /// <summary>Whether its connection was broken off.</summary>
    public bool IsAborted => _lifetime.RequestAborted.IsCancellationRequested;

    public bool HasBegun => _feature.HasStarted;

    /// <summary>Every write by itself.</summary>
    public IReadOnlyList<string> Pieces => [.. _feature.Pieces.Select(Encoding.UTF8.GetString)];

    public string Received => string.Concat(Pieces);

    /// <summary>After which piece the client closes its connection; null: it stays.</summary>
    public string? LeavesBehind
    {
        set => _feature.Arrived = piece => LeaveBehind(piece, value);
    }

    /// <summary>Told of every piece as it has come.</summary>
    public Action<string> Heard { set => _feature.Arrived = value; }

    /// <summary>While it is there, nothing that is written gets through.</summary>
    public Task Obstacle { get => _feature.Obstacle; set => _feature.Obstacle = value; }

    /// <summary>The error that the client received as the whole response.</summary>
    public JsonElement Error
    {
        get
        {
            Assert.Equal("application/json", Response.ContentType);
            Assert.Equal(Encoding.UTF8.GetByteCount(Received), Response.ContentLength);
            return JsonDocument.Parse(Received).RootElement.GetProperty("error");
        }
    }

    /// <summary>A request with this body, read as the endpoint reads it.</summary>
    public static async Task<InferenceRequest> RequestAsync(string body, InferenceRoute? route = null)
    {
        var (request, error) = await ReadAsync(Encoding.UTF8.GetBytes(body), route);
        Assert.Null(error);
        return request!;
    }

    public static async Task<(InferenceRequest? Request, GatewayError? Error)> ReadAsync(byte[] body, InferenceRoute? route = null, long? announced = null)
    {
        var http = new DefaultHttpContext().Request;
        http.Body = new MemoryStream(body);
        http.ContentLength = announced;
        return await RequestReader.ReadAsync(http, route ?? InferenceRoute.ChatCompletions, new LimitOptions { RequestBody = new ByteSize(long.MaxValue) }, TestContext.Current.CancellationToken);
    }

    private void LeaveBehind(string piece, string? last)
    {
        if (last is not null && piece.Contains(last, StringComparison.Ordinal))
        {
            _lifetime.Abort();
        }
    }

    private sealed class Lifetime : IHttpRequestLifetimeFeature
    {
        private readonly Action _abort;

        public Lifetime()
        {
            var source = new CancellationTokenSource();
            (RequestAborted, _abort) = (source.Token, source.Cancel);
        }

        public CancellationToken RequestAborted { get; set; }

        public void Abort() => _abort();
    }

    private sealed class ResponseFeature : HttpResponseFeature
    {
        public List<byte[]> Pieces { get; } = [];

        public Task Obstacle { get; set; } = Task.CompletedTask;

        public Action<string>? Arrived { get; set; }

        public override bool HasStarted => Pieces.Count > 0;
    }

    private sealed class Receiver(ResponseFeature feature) : WriteOnlyStream
    {
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await feature.Obstacle.WaitAsync(cancellationToken);
            feature.Pieces.Add(buffer.ToArray());
            feature.Arrived?.Invoke(Encoding.UTF8.GetString(buffer.Span));
        }
    }
}
