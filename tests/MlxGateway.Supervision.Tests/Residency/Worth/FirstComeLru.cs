namespace MlxGateway.Supervision.Tests.Residency.Worth;

/// <summary>
/// The yardstick: whoever came first is served first, and whoever is used least recently leaves for him once it is done; with room for one model that is the one that is there.
/// Nobody is passed by, nobody is expected, background requests are requests.
/// </summary>
internal sealed class FirstComeLru(Trace trace, TimeSpan load) : Playback(trace, load)
{
    private readonly Queue<Visit> _line = new();
    private string? _resident;
    private bool _isLoading;
    private int _active;

    protected override void Take(Visit visit)
    {
        _line.Enqueue(visit);
        Serve();
    }

    protected override void Return(Visit visit)
    {
        _active--;
        Serve();
    }

    private void Serve()
    {
        while (!_isLoading && _line.TryPeek(out var first))
        {
            if (first.Request.Model == _resident && _active < Slots)
            {
                _active++;
                Begin(_line.Dequeue());
                continue;
            }

            if (first.Request.Model != _resident && _active == 0)
            {
                Swap(first.Request.Model);
            }

            return;
        }
    }

    private void Swap(string model)
    {
        _isLoading = true;
        Loads++;
        In(Load, () =>
        {
            (_resident, _isLoading) = (model, false);
            Serve();
        });
    }
}
