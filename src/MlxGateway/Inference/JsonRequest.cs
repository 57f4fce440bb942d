using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Inference;

/// <summary>A request whose body is one JSON object: scanned once, and changed by splicing.</summary>
internal sealed class JsonRequest : InferenceRequest
{
    private readonly PooledBody _original;
    private readonly TopLevelFields _originalFields;
    private readonly List<BodyEdit> _edits = new(1);
    private PooledBody _body;
    private TopLevelFields _fields;
    private bool _asksForStream;
    private bool _losesAll;

    private JsonRequest(InferenceRoute route, PooledBody body, in TopLevelFields fields)
        : base(route)
    {
        _original = _body = body;
        _originalFields = _fields = fields;
        Reset();
    }

    /// <inheritdoc/>
    public override string? Model => _originalFields.Model;

    /// <inheritdoc/>
    public override bool Stream => _originalFields.Stream && Route.Shape != StreamShape.None;

    /// <inheritdoc/>
    public override TimeSpan? KeepAlive => _originalFields.KeepAlive;

    /// <inheritdoc/>
    public override long BodyLength => _original.Length;

    /// <summary>The body without the edits that were made since it was last settled.</summary>
    public ReadOnlySequence<byte> Json => _body.AsSequence();

    /// <summary>Where the fields of <see cref="Json"/> lie.</summary>
    public TopLevelFields Fields => _fields;

    /// <summary>Checks a body that was read. Exactly one of the two results is there; with an error the body is given back.</summary>
    public static (InferenceRequest? Request, GatewayError? Error) Check(InferenceRoute route, PooledBody body)
    {
        var fields = default(TopLevelFields);
        var error = body.Length == 0 ? GatewayError.InvalidRequest("The body is empty; it must be a JSON object.")
            : !body.IsUtf8() ? GatewayError.InvalidRequest("The body is not valid UTF-8.")
            : TopLevelFields.TryRead(body.AsSequence(), out fields);
        if (error is not null)
        {
            body.Dispose();
            return (null, error);
        }

        return (new JsonRequest(route, body, fields), null);
    }

    /// <inheritdoc/>
    public override string IdentityFor(string model)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        digest.AppendData(Encoding.UTF8.GetBytes($"{Route.Path}\n{model}\n"));
        foreach (var block in _original.AsSequence())
        {
            digest.AppendData(block.Span);
        }

        return Convert.ToHexString(digest.GetHashAndReset());
    }

    /// <inheritdoc/>
    public override void NameModel(string name)
    {
        var value = JsonSerializer.SerializeToUtf8Bytes(name);
        _edits.RemoveAll(e => e.IsModel);
        _edits.Add(_fields.ModelOffset >= 0
            ? new BodyEdit(_fields.ModelOffset, _fields.ModelLength, value) { IsModel = true }
            : new BodyEdit(_fields.FirstField, 0, (byte[])[.. "\"model\":"u8, .. value, .. ","u8]) { IsModel = true });
    }

    /// <inheritdoc/>
    public override bool LooksLikeBackgroundWork() =>
        Route.Shape == StreamShape.Chat && _originalFields is { Stream: false, HasTools: false, MessagesOffset: >= 0 } && BackgroundWork.AreOfATask(_original.AsSequence().Slice(_originalFields.MessagesOffset));

    /// <inheritdoc/>
    public override GatewayError? Shape(RequestRules rules, RequestFields fields)
    {
        (var edits, _losesAll, var error) = BodyShaper.Shape(Json, _fields.ByteOrderMark, rules, fields, Route.RunnerPath);
        _edits.AddRange(edits);
        return error;
    }

    /// <summary>Changes bytes of <see cref="Json"/> when it is sent on. No two edits may overlap. What is put in front of the first field has a comma behind it.</summary>
    public void Edit(in BodyEdit edit) => _edits.Add(edit);

    /// <summary>Whether bytes of <see cref="Json"/> are already to be changed, so that another edit there would overlap.</summary>
    public bool IsEdited(long offset, long length) => _edits.Exists(e => e.Offset < offset + length && offset < e.Offset + e.Length);

    /// <summary>
    /// Applies the edits that were made so far: afterwards <see cref="Json"/> is what would have been sent. It costs a second copy of the body, so it is for the few requests that are
    /// written anew and not for those that are only touched up.
    /// </summary>
    public void Settle()
    {
        using var changed = OpenBody();
        ReplaceWith(PooledBody.Read(changed));
    }

    /// <summary>Puts another body in the place of <see cref="Json"/> and of all edits. It must be one JSON object; it is given back with the request.</summary>
    public void ReplaceWith(PooledBody body)
    {
        if (TopLevelFields.TryRead(body.AsSequence(), out var fields) is { } error)
        {
            body.Dispose();
            throw new ArgumentException($"What is to be sent is no JSON: {error.Message}", nameof(body));
        }

        Leave();
        (_body, _fields, _losesAll) = (body, fields, false);
    }

    /// <inheritdoc/>
    public override void Reset()
    {
        Leave();
        (_body, _fields, _asksForStream, _losesAll) = (_original, _originalFields, false, false);
        if (_fields.ByteOrderMark > 0)
        {
            _edits.Add(new BodyEdit(0, _fields.ByteOrderMark, default));
        }
    }

    /// <inheritdoc/>
    public override bool AskForStream()
    {
        if (_asksForStream || Route.Shape == StreamShape.None)
        {
            return _asksForStream;
        }

        if (StreamRules.Find(Json, _fields.ByteOrderMark) is not { } said)
        {
            return false;
        }

        foreach (var (name, value, member) in StreamRules.Members)
        {
            // What the engine's rules took out is there no more.
            said.RemoveAll(s => s.Name == name && IsEdited(s.Offset, s.Length));
            _edits.AddRange(said.Where(s => s.Name == name).Select(s => new BodyEdit(s.Offset, s.Length, value)));
            if (!said.Exists(s => s.Name == name))
            {
                _edits.Add(new BodyEdit(_fields.FirstField, 0, member));
            }
        }

        return _asksForStream = true;
    }

    /// <inheritdoc/>
    public override OutgoingBody OpenBody()
    {
        if (_edits.Count > 1)
        {
            _edits.Sort(BodyEdit.InOrder);
        }

        return new SplicedStream(Json, _fields.IsEmpty || _losesAll ? WithoutLastComma() : _edits);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_body != _original)
        {
            _body.Dispose();
        }

        _original.Dispose();
    }

    // Nothing of the client's stands behind what is put in front.
    private List<BodyEdit> WithoutLastComma()
    {
        List<BodyEdit> edits = [.. _edits];
        if (edits.FindLastIndex(e => e.Offset == _fields.FirstField && e.Length == 0) is >= 0 and var last)
        {
            edits[last] = edits[last] with { Replacement = edits[last].Replacement[..^1] };
        }

        return edits;
    }

    private void Leave()
    {
        _edits.Clear();
        if (_body != _original)
        {
            _body.Dispose();
        }
    }
}
