using System.Collections.Concurrent;

namespace MlxGateway.Mcp.Protocol;

/// <summary>The calls that are being served, so that a cancellation, which is a message by itself, finds the one it means.</summary>
internal sealed class CallsInFlight
{
    // A client that gives two calls the same id cancels both.
    private readonly ConcurrentDictionary<Call, byte> _all = new();

    /// <summary>Begins a call. Disposing ends it.</summary>
    /// <param name="session">The session of the client; empty: it has none, and calls its calls off by closing their streams.</param>
    /// <param name="id">What the client calls the request.</param>
    /// <param name="left">The client is gone.</param>
    public Call Enter(string session, string id, CancellationToken left)
    {
        var call = new Call(this, session, id, left);
        _all.TryAdd(call, 0);
        return call;
    }

    /// <summary>Calls a request off.</summary>
    public void Cancel(string session, string? id) => CancelWhere(session, c => c.Id == id);

    /// <summary>Calls off all that is under way for a session.</summary>
    public void CancelAll(string session) => CancelWhere(session, static _ => true);

    // Without a session nobody can tell whose it is: every client counts from one.
    private void CancelWhere(string session, Func<Call, bool> meant)
    {
        foreach (var call in session.Length == 0 ? [] : _all.Keys.Where(c => c.Session == session && meant(c)))
        {
            call.Cancel();
        }
    }

    /// <summary>One call.</summary>
    internal sealed class Call(CallsInFlight all, string session, string id, CancellationToken left) : IDisposable
    {
        private readonly CancellationTokenSource _source = CancellationTokenSource.CreateLinkedTokenSource(left);

        public string Session => session;

        public string Id => id;

        /// <summary>Nobody wants it any more.</summary>
        public CancellationToken Token => _source.Token;

        public void Cancel()
        {
            try
            {
                _source.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It was over in this very moment.
            }
        }

        public void Dispose()
        {
            all._all.TryRemove(this, out _);
            _source.Dispose();
        }
    }
}
