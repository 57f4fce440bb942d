using System.Runtime.InteropServices;

namespace MlxGateway.Commands.Chatting;

/// <summary>What Ctrl+C means while somebody chats: the first ends the answer that is being given, any other ends the program.</summary>
internal sealed class Interrupts : IDisposable
{
    private readonly Lock _lock = new();
    private readonly PosixSignalRegistration _heard;
    private CancellationTokenSource? _answer;

    public Interrupts() => _heard = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = Interrupt());

    /// <summary>An answer begins. The token is cancelled when it is not wanted any more.</summary>
    public CancellationToken Begin()
    {
        lock (_lock)
        {
            _answer?.Dispose();
            _answer = new CancellationTokenSource();
            return _answer.Token;
        }
    }

    /// <summary>It is over.</summary>
    public void End()
    {
        lock (_lock)
        {
            _answer?.Dispose();
            _answer = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _heard.Dispose();
        End();
    }

    /// <summary>Somebody pressed the keys.</summary>
    /// <returns>Whether that was all they wanted; otherwise the system does what it always does.</returns>
    internal bool Interrupt()
    {
        lock (_lock)
        {
            if (_answer is not { IsCancellationRequested: false } wanted)
            {
                return false;
            }

            wanted.Cancel();
            return true;
        }
    }
}
