using MlxGateway.Inference.Waiting;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference;

/// <summary>
/// Owns the client's response: keeps a streaming client company while it waits, begins the response once, and makes sure that its end is true. A response that has begun
/// and cannot be completed ends without its last chunk, after an error event where it is a stream, so that a client that ignores the event notices too.
/// </summary>
/// <remarks>
/// Two may write: the keep-alive timer while the runner is silent, and the runner's bytes afterwards. <see cref="TakeOverAsync"/> is the hand-over; behind it the timer never writes again.
/// </remarks>
internal sealed class ClientResponse : IAsyncDisposable
{
    // From here on an agent that counts events, not bytes, may be about to give up.
    private static readonly TimeSpan FirstEmptyEvent = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan EmptyEventInterval = TimeSpan.FromSeconds(20);

    // A client that has stopped reading does not get the last event either.
    private static readonly TimeSpan LongestGoodbye = TimeSpan.FromSeconds(10);

    /// <summary>How far the last event runs ahead of the reset that ends a broken stream of HTTP/2.</summary>
    private static readonly TimeSpan HeadStart = TimeSpan.FromMilliseconds(50);

    private readonly HttpContext _context;
    private readonly InferenceRoute _route;
    private readonly StreamOptions _options;
    private readonly TimeProvider _time;
    private readonly long _arrived;
    private SemaphoreSlim? _turn;
    private ITimer? _timer;
    private WaitingEvents? _events;
    private WaitingStyle _style;
    private Func<LoadProgress> _progress = null!;
    private bool _hasShown;
    private TimeSpan _lastEmptyEvent;
    private bool _takenOver;
    private long _written;
    private Task? _unread; // the last write, while the client has not taken it

    public ClientResponse(HttpContext context, InferenceRoute route, StreamOptions options, TimeProvider time)
    {
        _context = context;
        _route = route;
        _options = options;
        _time = time;
        _arrived = time.GetTimestamp();
    }

    /// <summary>Whether the status line is with the client, so that errors can only travel inside the body.</summary>
    public bool HasBegun => _context.Response.HasStarted;

    private TimeSpan Waited => _time.GetElapsedTime(_arrived);

    /// <summary>Whether the body is a stream of events.</summary>
    public bool IsEventStream { get; private set; }

    /// <summary>The response began and could not be completed: the connection must end without the last chunk.</summary>
    public bool IsUnfinished { get; private set; }

    /// <summary>
    /// Whether the client has every byte that the head promised. A runner may die, or be told to leave, in the moment behind its last one: the answer stands, and the client keeps the connection
    /// for its next request, which it would lose if that were closed. Of a stream of events the bytes tell nothing.
    /// </summary>
    public bool IsWhole => HasBegun && !IsEventStream && _written == _context.Response.ContentLength;

    /// <summary>How much of the wait was the model's load, once that is known.</summary>
    public TimeSpan Loading { get; set; }

    /// <summary>From now on, until <see cref="TakeOverAsync"/>, a streaming client hears from the gateway while nothing else comes.</summary>
    /// <param name="model">The model's id, for the events.</param>
    /// <param name="style">Whether a person is to see it.</param>
    /// <param name="progress">What is being waited for.</param>
    public void KeepCompany(string model, WaitingStyle style, Func<LoadProgress> progress)
    {
        if (_timer is not null)
        {
            _progress = progress; // it waited for its model's files before, and is kept company already
            return;
        }

        _events = new WaitingEvents(_route.Shape, _context.TraceIdentifier, model);
        (_style, _progress) = (style, progress);
        _turn = new SemaphoreSlim(1, 1);
        _timer = _time.CreateTimer(static self => _ = ((ClientResponse)self!).KeepAliveAsync(), this, _options.HoldStatus, _options.KeepAlive);
    }

    /// <summary>The answer begins: what a person was shown of the wait ends well.</summary>
    public ValueTask EndWaitAsync(CancellationToken cancellationToken) =>
        EndShownAsync(Loading > TimeSpan.Zero ? $"loaded in {Loading.TotalSeconds:0} s" : $"began after {Waited.TotalSeconds:0} s", cancellationToken);

    /// <summary>Ends the keep-alives. Whatever follows is the only writer.</summary>
    public async ValueTask TakeOverAsync()
    {
        if (_takenOver)
        {
            return;
        }

        if (_timer is not null)
        {
            await _turn!.WaitAsync();
            await _timer.DisposeAsync();
        }

        _takenOver = true;
    }

    /// <summary>Tells the client something beside the answer: in a header, or, where the response has begun as a stream, in a comment. Before <see cref="TakeOverAsync"/> only.</summary>
    public async ValueTask NoteAsync(string header, string value, string comment, CancellationToken cancellationToken)
    {
        // A keep-alive in the same moment would begin the response between the look and the header.
        await (_turn?.WaitAsync(cancellationToken) ?? Task.CompletedTask);
        try
        {
            if (!HasBegun)
            {
                _context.Response.Headers[header] = value;
            }
            else if (IsEventStream)
            {
                await WriteAsync(WaitingEvents.Comment(comment), cancellationToken);
            }
        }
        finally
        {
            _turn?.Release();
        }
    }

    /// <summary>Begins the response as an event stream, if it has not begun.</summary>
    public void BeginEventStream()
    {
        if (IsEventStream)
        {
            return;
        }

        IsEventStream = true;
        var response = _context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "text/event-stream";
        response.Headers.CacheControl = "no-cache";
        response.Headers["X-Accel-Buffering"] = "no"; // a reverse proxy in front must not collect the events
    }

    /// <summary>Begins the response with what the runner said of it.</summary>
    public void Begin(int status, string? contentType, long? contentLength)
    {
        var response = _context.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = contentLength;
    }

    /// <summary>Sends bytes to the client at once. A client that takes nothing for <see cref="StreamOptions.WriteTimeout"/> is gone, whatever its connection says.</summary>
    /// <param name="bytes">The bytes. The server has taken them when this returns, whether the client has or not.</param>
    /// <param name="cancellationToken">Ends the wait for a client that reads slowly, and not the write: what follows, the event of an error for one, comes behind these bytes.</param>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken) =>
        bytes.IsEmpty ? ValueTask.CompletedTask
        : _unread is { IsCompleted: false } before ? WriteBehindAsync(before, bytes, cancellationToken)
        : WriteNowAsync(bytes, cancellationToken);

    /// <summary>Ends the response with an error: as a real HTTP status if nothing was sent yet, else as the last event, and without a clean end.</summary>
    public async Task FailAsync(GatewayError error)
    {
        await TakeOverAsync();
        if (!HasBegun)
        {
            _context.Response.Headers.ContentLength = null;
            IsEventStream = false;
            await ErrorWriter.WriteAsync(_context, error, _route.Shape);
            return;
        }

        IsUnfinished = !IsWhole;
        using var bound = new CancellationTokenSource(LongestGoodbye, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(bound.Token, _context.RequestAborted);
        try
        {
            if (!IsEventStream)
            {
                // The server waits for whoever has not read all, at its own end too, and has no bound for that.
                await (_unread ?? Task.CompletedTask).WaitAsync(either.Token);
                return;
            }

            await EndShownAsync($"failed after {Waited.TotalSeconds:0} s", either.Token);
            await WriteAsync(ErrorWriter.ToEvent(error, _route.Shape), either.Token);
            if (HttpProtocol.IsHttp2(_context.Request.Protocol))
            {
                // A reset overtakes what the server has taken but not sent, and nothing tells when it is sent.
                await Task.Delay(HeadStart, _time, either.Token);
            }
        }
        catch (OperationCanceledException) when (!_context.RequestAborted.IsCancellationRequested)
        {
            _context.Abort(); // it does not read; waiting for it would hold up whoever waits for this request's end
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await TakeOverAsync();
        _turn?.Dispose();
    }

    private async Task KeepAliveAsync()
    {
        if (!_turn!.Wait(0))
        {
            return; // the previous one has not got through yet: the client does not read, and needs no second one
        }

        try
        {
            BeginEventStream();
            await WriteAsync(NextKeepAlive(), _context.RequestAborted);
        }
        catch (Exception)
        {
            // The client is gone, or the connection is: whoever waits for the runner hears of that by the request's own token.
        }
        finally
        {
            _turn.Release();
        }
    }

    // A line that is not ended goes on turning on the page for good.
    private ValueTask EndShownAsync(string words, CancellationToken cancellationToken)
    {
        if (!_hasShown || _style != WaitingStyle.Status)
        {
            return ValueTask.CompletedTask;
        }

        _hasShown = false;
        return WriteAsync(_events!.Shown(_style, words, isOver: true, _time.GetUtcNow()), cancellationToken);
    }

    private async ValueTask WriteBehindAsync(Task before, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await WaitForReaderAsync(before, cancellationToken);
        await WriteNowAsync(bytes, cancellationToken);
    }

    // Of a write that is called off the server resets the connection: the client loses what it has not read yet, and no last event can tell it why. So none is, only the wait for it.
    private ValueTask WriteNowAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        _written += bytes.Length;
        var write = _context.Response.Body.WriteAsync(bytes, CancellationToken.None);
        if (write.IsCompletedSuccessfully)
        {
            return write;
        }

        _unread = write.AsTask();
        return WaitForReaderAsync(_unread, cancellationToken);
    }

    private async ValueTask WaitForReaderAsync(Task write, CancellationToken cancellationToken)
    {
        try
        {
            await write.WaitAsync(_options.WriteTimeout == TimeSpan.Zero ? Timeout.InfiniteTimeSpan : _options.WriteTimeout, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            _context.Abort();
            throw new OperationCanceledException("The client reads nothing.", _context.RequestAborted);
        }
    }

    // Comments are tolerated by every client; the empty event now and then is for those that count only events as life.
    private byte[] NextKeepAlive()
    {
        var words = _progress().ToString();
        if (_events!.Shown(_style, words, isOver: false, _time.GetUtcNow()) is { } shown)
        {
            _hasShown = true;
            return shown;
        }

        var waited = Waited;
        if (waited < FirstEmptyEvent || waited - _lastEmptyEvent < EmptyEventInterval)
        {
            return WaitingEvents.Comment(words);
        }

        _lastEmptyEvent = waited;
        return _events.Empty(_time.GetUtcNow());
    }
}

/// <summary>
/// Thrown at the end of a request whose response began and could not be completed. The server then closes the connection after what was written, but without the last chunk.
/// Aborting the connection instead would throw away what the client has not read yet, the error event first of all.
/// </summary>
internal sealed class UnfinishedResponseException() : Exception("The response could not be completed.");
