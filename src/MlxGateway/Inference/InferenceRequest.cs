using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Inference;

/// <summary>The client's body, read once and checked, together with the edits that make it fit for the runner.</summary>
internal sealed class InferenceRequest : IDisposable
{
    private readonly PooledBody _body;
    private readonly TopLevelFields _fields;
    private readonly List<BodyEdit> _edits = new(1);
    private bool _asksForStream;

    private InferenceRequest(InferenceRoute route, PooledBody body, TopLevelFields fields)
    {
        Route = route;
        _body = body;
        _fields = fields;
        if (fields.ByteOrderMark > 0)
        {
            _edits.Add(new BodyEdit(0, fields.ByteOrderMark, default));
        }
    }

    /// <summary>The route that it came by.</summary>
    public InferenceRoute Route { get; }

    /// <summary>The model that the client named, or null.</summary>
    public string? Model => _fields.Model;

    /// <summary>Whether the client wants a stream.</summary>
    public bool Stream => _fields.Stream && Route.Shape != StreamShape.None;

    /// <summary>How long it wants its model to stay; null: it does not say.</summary>
    public TimeSpan? KeepAlive => _fields.KeepAlive;

    /// <summary>How long the body was.</summary>
    public long BodyLength => _body.Length;

    /// <summary>Reads and checks the body. Exactly one of the two results is there.</summary>
    /// <exception cref="BadHttpRequestException">The body ended before its announced length, or is no HTTP.</exception>
    public static async ValueTask<(InferenceRequest? Request, GatewayError? Error)> ReadAsync(HttpRequest http, InferenceRoute route, long limit, CancellationToken cancellationToken)
    {
        if (http.Headers.ContentEncoding.Count > 0)
        {
            return (null, GatewayError.InvalidRequest($"The body has Content-Encoding '{http.Headers.ContentEncoding}'; send it without.") with { Status = StatusCodes.Status415UnsupportedMediaType });
        }

        var body = await PooledBody.ReadAsync(http.Body, http.ContentLength, limit, cancellationToken);
        if (body is null)
        {
            return (null, GatewayError.TooLarge(limit));
        }

        if (Check(body, out var fields) is { } error)
        {
            body.Dispose();
            return (null, error);
        }

        return (new InferenceRequest(route, body, fields), null);
    }

    /// <summary>By what a repetition of this request is recognised: a digest of its route, the model and every byte of the body as the client sent it. Reads the whole body.</summary>
    public string IdentityFor(string model)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        digest.AppendData(Encoding.UTF8.GetBytes($"{Route.Path}\n{model}\n"));
        foreach (var block in _body.AsSequence())
        {
            digest.AppendData(block.Span);
        }

        return Convert.ToHexString(digest.GetHashAndReset());
    }

    /// <summary>Makes the body name this model when it is sent on.</summary>
    public void NameModel(string name)
    {
        var value = JsonSerializer.SerializeToUtf8Bytes(name);
        _edits.RemoveAll(e => e.Offset == (_fields.ModelOffset >= 0 ? _fields.ModelOffset : _fields.FirstField));
        _edits.Add(_fields.ModelOffset >= 0
            ? new BodyEdit(_fields.ModelOffset, _fields.ModelLength, value)
            : new BodyEdit(_fields.FirstField, 0, (byte[])[.. "\"model\":"u8, .. value, .. _fields.IsEmpty ? ""u8 : ","u8]));
    }

    /// <summary>Whether the body has the shape of work that nobody waits for.</summary>
    public bool LooksLikeBackgroundWork() =>
        Route.Shape == StreamShape.Chat && _fields is { Stream: false, HasTools: false, MessagesOffset: >= 0 } && BackgroundWork.AreOfATask(_body.AsSequence().Slice(_fields.MessagesOffset));

    /// <summary>Makes the body fit for another engine than the one that it was shaped for before.</summary>
    public GatewayError? Reshape(RequestRules? rules)
    {
        _edits.RemoveAll(e => e.Offset >= _fields.FirstField);
        return rules is null ? null : Shape(rules);
    }

    /// <summary>Makes the body fit for an engine. Returns what is wrong with it, if it cannot be.</summary>
    public GatewayError? Shape(RequestRules rules)
    {
        var (edits, error) = BodyShaper.Shape(_body.AsSequence(), _fields.ByteOrderMark, rules, Route.Path);
        _edits.AddRange(edits);
        return error;
    }

    /// <summary>Makes the body ask for a stream although the client did not. False: it cannot, because what the client wants does not come in streams.</summary>
    public bool AskForStream()
    {
        if (_asksForStream || Route.Shape == StreamShape.None)
        {
            return _asksForStream;
        }

        var (edits, wantsMore) = BodyShaper.Shape(_body.AsSequence(), _fields.ByteOrderMark, StreamRules.Instead, Route.Path);
        if (wantsMore is not null)
        {
            return false;
        }

        _edits.AddRange(edits);
        _edits.Add(new BodyEdit(_fields.FirstField, 0, StreamRules.Members));
        return _asksForStream = true;
    }

    /// <summary>The body as the runner gets it. May be opened again for a second attempt.</summary>
    public SplicedStream OpenBody()
    {
        if (_edits.Count > 1)
        {
            _edits.Sort(static (one, other) => one.Offset.CompareTo(other.Offset));
        }

        return new SplicedStream(_body.AsSequence(), _edits);
    }

    /// <inheritdoc/>
    public void Dispose() => _body.Dispose();

    private static GatewayError? Check(PooledBody body, out TopLevelFields fields)
    {
        fields = default;
        return body.Length == 0 ? GatewayError.InvalidRequest("The body is empty; it must be a JSON object.")
            : !body.IsUtf8() ? GatewayError.InvalidRequest("The body is not valid UTF-8.")
            : TopLevelFields.TryRead(body.AsSequence(), out fields);
    }
}
