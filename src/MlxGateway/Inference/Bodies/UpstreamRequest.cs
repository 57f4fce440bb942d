using System.Buffers;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference.Bodies;

/// <summary>A request for whatever an engine serves beside the known routes. Its model is in its path; nothing else of it is looked into.</summary>
internal sealed class UpstreamRequest : InferenceRequest
{
    private const int PieceSize = 64 * 1024;

    private readonly Upload _body;
    private readonly string _rest;
    private string _model;
    private string _path = "/";

    private UpstreamRequest(InferenceRoute route, HttpRequest http, Upload body)
        : base(route)
    {
        _body = body;
        _model = _rest = ((string?)http.RouteValues["rest"] ?? "").TrimStart('/');
        Method = http.Method;
        Query = http.QueryString;
        ContentType = http.ContentType;
    }

    /// <inheritdoc/>
    public override string? Model => _model;

    /// <inheritdoc/>
    public override string Method { get; }

    /// <inheritdoc/>
    public override string RunnerPath => _path;

    /// <inheritdoc/>
    public override QueryString Query { get; }

    /// <inheritdoc/>
    public override bool IsPassedThrough => true;

    /// <inheritdoc/>
    public override long BodyLength => _body.Length;

    /// <inheritdoc/>
    public override string? ContentType { get; }

    /// <summary>Reads the request. Exactly one of the two results is there.</summary>
    public static async ValueTask<(InferenceRequest? Request, GatewayError? Error)> ReadAsync(HttpRequest http, Stream source, InferenceRoute route, LimitOptions limits, string uploads, CancellationToken cancellationToken)
    {
        var body = new Upload(uploads, limits.SpillAfter.Bytes);
        var piece = ArrayPool<byte>.Shared.Rent(PieceSize);
        try
        {
            for (int read; (read = await source.ReadAtLeastAsync(piece, piece.Length, throwOnEndOfStream: false, cancellationToken)) > 0;)
            {
                if (body.Length + read > limits.Upload.Bytes)
                {
                    body.Dispose();
                    return (null, GatewayError.TooLarge(limits.Upload.Bytes, nameof(LimitOptions.Upload)));
                }

                await body.AppendAsync(piece.AsMemory(0, read), cancellationToken);
            }

            return (new UpstreamRequest(route, http, body), null);
        }
        catch
        {
            body.Dispose();
            throw;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    /// <summary>Parts model and path. An id may hold slashes: the longest that is known wins, and where none is, all up to the first slash is taken for one.</summary>
    public void Part(CatalogSnapshot known)
    {
        for (var end = _rest.Length; end > 0; end = _rest.LastIndexOf('/', end - 1))
        {
            if (known.Resolve(_rest.AsSpan(0, end)) is not null)
            {
                (_model, _path) = (_rest[..end], end == _rest.Length ? "/" : _rest[end..]);
                return;
            }
        }

        _model = _rest.Split('/', 2)[0];
    }

    // What it did to a runner once says nothing about the next one: the same bytes may be another thing to an engine that keeps a state.
    /// <inheritdoc/>
    public override string IdentityFor(string model) => Guid.NewGuid().ToString();

    /// <inheritdoc/>
    public override void NameModel(string name)
    {
    }

    /// <inheritdoc/>
    public override OutgoingBody OpenBody() => new UploadStream(_body, null);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _body.Dispose();
}
