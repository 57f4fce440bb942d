using System.Buffers;

namespace MlxGateway.Inference;

/// <summary>
/// The stream into which the forwarder writes the runner's body. Looks at what comes by and passes it on at once: events as whole events, an error body collected and put into
/// the one shape, a short body whole once it is whole, so that a runner that dies in the middle of it is still a 502, and a long one as it is.
/// </summary>
internal sealed class RunnerResponse(ClientResponse client, InferenceRequest request, string model, string kind, TimeProvider time) : WriteOnlyStream
{
    /// <summary>Up to this length a body that is not streamed is held until it is whole.</summary>
    private const int HeldLimit = 64 * 1024;

    /// <summary>Up to this length where something in it must be put right.</summary>
    private const int FilteredLimit = 64 << 20;

    private readonly SseFramer _framer = new();
    private readonly TailBuffer _tail = new();
    private StreamFacts _facts;
    private MemoryStream? _held;
    private string? _streamError;
    private bool _decided;
    private bool _isPassing;
    private bool _isNoted;
    private bool _hasEvents;

    /// <summary>What the runner said before its body. Set by the forwarder.</summary>
    public RunnerResponseHead Head { get; set; }

    /// <summary>Through which the answer goes, in this order.</summary>
    public IReadOnlyList<IAnswerFilter> Filters { get; init; } = [];

    /// <summary>Puts the events together for a client that wants the whole; null: they are passed on.</summary>
    public StreamAssembler? Assembler { get; init; }

    /// <summary>Whether the runner says 404 for whatever is wrong with a request.</summary>
    public bool SaysNotFoundForAll { get; init; }

    /// <summary>When the first byte came, as a timestamp of the clock; 0: none has come.</summary>
    public long FirstByteAt { get; private set; }

    /// <summary>When the first piece of a streamed answer itself came; 0: none has come.</summary>
    public long FirstTokenAt { get; private set; }

    /// <summary>What the stream, or the end of the body, said of itself.</summary>
    public StreamFacts Facts => _facts;

    /// <summary>Why the answer ended, as the client was told it; null: nobody said.</summary>
    public string? FinishReason
    {
        get
        {
            for (var i = Filters.Count - 1; i >= 0; i--)
            {
                if (Filters[i].FinishReason is { } told)
                {
                    return told;
                }
            }

            return _facts.FinishReason;
        }
    }

    private ReadOnlyMemory<byte> Held => _held is null ? default : _held.GetBuffer().AsMemory(0, (int)_held.Length);

    /// <summary>Whether a stream has said its last word. What becomes of its connection afterwards changes nothing: an error behind the end would make a whole answer a broken one.</summary>
    public bool HasSaidAll => IsEventStream && _streamError is null && (request.Route.EndsWithDone ? _facts.IsDone : _facts.IsComplete);

    /// <summary>Whether the runner says that something is wrong.</summary>
    public bool IsError => Head.Status >= 400;

    private bool IsEventStream => !IsError && (request.Stream || Assembler is not null) && Head.ContentType?.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase) == true;

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return;
        }

        await DecideAsync();
        if (IsError)
        {
            (_held ??= new MemoryStream()).Write(buffer.Span[..Math.Min(buffer.Length, RunnerError.BodyLimit - Held.Length)]);
        }
        else if (IsEventStream)
        {
            await PassEventsAsync(buffer, cancellationToken);
        }
        else if (_streamError is null)
        {
            _tail.Add(buffer.Span);
            await PassWholeAsync(buffer, cancellationToken);
        }
    }

    /// <summary>The runner's body is at its end, as far as HTTP can tell. Decides whether the answer is whole; returns the error if it is not.</summary>
    public async Task<GatewayError?> CompleteAsync(CancellationToken cancellationToken)
    {
        await DecideAsync();
        if (IsError)
        {
            return RunnerError.From(SaysNotFoundForAll && Head.Status == StatusCodes.Status404NotFound ? StatusCodes.Status400BadRequest : Head.Status, Held.Span, model, kind, request.Route.Path);
        }

        if (!IsEventStream)
        {
            return _streamError is null ? await CompleteWholeAsync(cancellationToken) : BrokenOff("nothing more is known");
        }

        if (_framer.Held.Length > 0 && _streamError is null)
        {
            // The last event may lack its empty line; whether it is whole shows in what it says.
            await PassEventsAsync("\n\n"u8.ToArray(), cancellationToken);
        }

        if (_streamError is not null || !_facts.IsComplete)
        {
            return BrokenOff("the stream ended before the answer did");
        }

        if (Assembler is not null)
        {
            return await CompleteAssembledAsync(Assembler, cancellationToken);
        }

        await client.WriteAsync(FinishEvents(), cancellationToken);
        if (!_facts.IsDone && request.Route.EndsWithDone)
        {
            await client.WriteAsync("data: [DONE]\n\n"u8.ToArray(), cancellationToken);
        }

        return null;
    }

    /// <summary>The error of a runner that broke while it answered, with its own words if it had any.</summary>
    public GatewayError BrokenOff(string what) =>
        new(StatusCodes.Status502BadGateway, "runner_failed", $"The runner of model '{model}' broke before the answer was complete: {_streamError ?? what}.");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _framer.Dispose();
        _held?.Dispose();
        _tail.Dispose();
        base.Dispose(disposing);
    }

    // A body that nothing delimits but the end of the connection looks the same when its sender dies; JSON at least must close what it opened.
    private async ValueTask<GatewayError?> CompleteWholeAsync(CancellationToken cancellationToken)
    {
        _facts = FactsOfWhole();
        if (!_isPassing && Held.IsEmpty && request.IsPassedThrough)
        {
            client.Begin(Head.Status, Head.ContentType, Head.ContentLength);
            return null;
        }

        if (!_isPassing && Held.IsEmpty)
        {
            // HTTP ends an answer that broke off before its first byte as properly as a whole one, but nothing that clients ask for here is empty.
            return BrokenOff("its body is empty");
        }

        var mayBeCut = Head is { IsDelimited: false } && Head.ContentType?.Contains("json", StringComparison.OrdinalIgnoreCase) == true;
        if (mayBeCut && !_tail.EndsLikeJson)
        {
            return BrokenOff("the connection ended in the middle of the body");
        }

        if (!_isPassing)
        {
            var whole = FilterBody(Held);
            client.Begin(Head.Status, Head.ContentType, whole.Length);
            await client.WriteAsync(whole, cancellationToken);
        }

        return null;
    }

    // All that a short answer says; of a long one what is in its tail.
    private StreamFacts FactsOfWhole()
    {
        if (_isNoted)
        {
            return _facts;
        }

        if (_isPassing || Held.Length > HeldLimit)
        {
            return _tail.FindUsage();
        }

        var facts = default(StreamFacts);
        _ = facts.NoteJson(Held.Span);
        return facts;
    }

    private async ValueTask<GatewayError?> CompleteAssembledAsync(StreamAssembler assembler, CancellationToken cancellationToken)
    {
        if (!assembler.TryComplete(out var body))
        {
            return BrokenOff("its stream cannot be put together");
        }

        var whole = FilterBody(body);
        client.Begin(Head.Status, "application/json", whole.Length);
        await client.WriteAsync(whole, cancellationToken);
        return null;
    }

    private async ValueTask PassWholeAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        if (_isPassing)
        {
            await client.WriteAsync(bytes, cancellationToken);
            return;
        }

        // Events of a route whose end cannot be told must not wait for it either.
        var isLive = request.IsPassedThrough || Head.ContentType?.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase) == true;
        var isWhole = isLive || (Held.IsEmpty && bytes.Length == Head.ContentLength && Filters.Count == 0);
        if (!isWhole && Held.Length + bytes.Length <= (Filters.Count == 0 ? HeldLimit : FilteredLimit))
        {
            (_held ??= new MemoryStream((int)Math.Min(Head.ContentLength ?? 0, HeldLimit))).Write(bytes.Span);
            return;
        }

        if (isWhole && !isLive && bytes.Length <= HeldLimit)
        {
            _ = _facts.NoteJson(bytes.Span);
            _isNoted = true;
        }

        _isPassing = true;
        client.Begin(Head.Status, Head.ContentType, Head.ContentLength);
        await client.WriteAsync(Held, cancellationToken);
        await client.WriteAsync(bytes, cancellationToken);
    }

    private ReadOnlyMemory<byte> FilterBody(ReadOnlyMemory<byte> body)
    {
        for (var i = 0; i < Filters.Count; i++)
        {
            body = Filters[i].FilterBody(body);
        }

        return body;
    }

    private ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events, int from = 0)
    {
        for (var i = from; i < Filters.Count && !events.IsEmpty; i++)
        {
            events = Filters[i].FilterEvents(events);
        }

        return events;
    }

    // What one filter held back still has to go through those behind it.
    private ReadOnlyMemory<byte> FinishEvents()
    {
        if (Filters.Count == 0)
        {
            return default;
        }

        var all = new ArrayBufferWriter<byte>();
        for (var i = 0; i < Filters.Count; i++)
        {
            all.Write(FilterEvents(Filters[i].FinishEvents(), i + 1).Span);
        }

        return all.WrittenMemory;
    }

    private async ValueTask DecideAsync()
    {
        if (_decided)
        {
            return;
        }

        _decided = true;
        FirstByteAt = time.GetTimestamp();
        await client.TakeOverAsync();
        if (IsEventStream)
        {
            if (Assembler is null)
            {
                client.BeginEventStream();
                await client.EndWaitAsync(CancellationToken.None);
            }
        }
        else if (!IsError && client.HasBegun)
        {
            _streamError = "it did not answer with a stream";
        }
    }

    // At the front of a stream it is overlooked by clients; behind keep-alives it would spoil the first event.
    private ReadOnlyMemory<byte> WithoutByteOrderMark(ReadOnlyMemory<byte> events)
    {
        var isFirst = !_hasEvents;
        _hasEvents = true;
        return isFirst && events.Span.StartsWith("\uFEFF"u8) ? events[3..] : events;
    }

    private async ValueTask PassEventsAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        while (!bytes.IsEmpty && _streamError is null && _framer.TryTake(ref bytes, out var events))
        {
            // An error event of the engine's own is not passed on: ours follows, in the shape that clients read.
            events = WithoutByteOrderMark(events);
            _streamError = _facts.Note(events.Span);
            if (FirstTokenAt == 0 && _facts.HasAnswer)
            {
                FirstTokenAt = time.GetTimestamp();
            }

            if (_streamError is null && Assembler is not null)
            {
                Assembler.Add(events.Span);
            }
            else if (_streamError is null)
            {
                await client.WriteAsync(FilterEvents(events), cancellationToken);
            }
        }
    }
}
