using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Supervision.Residency;

/// <summary>What one launch was seen to take since it became ready. For use by any thread.</summary>
internal sealed class LiveFootprint(ModelSpec model, LaunchShape shape, int launch, IRunner runner, IFootprintRecords? records, TimeSpan? loadTime = null)
{
    private readonly Lock _lock = new();
    private ByteSize? _loaded;
    private ByteSize _peak;
    private ByteSize _private;
    private bool _hasTaught;

    public string Model => model.Id;

    public int Launch => launch;

    public int Pid => runner.Pid;

    /// <summary>Whether the process is still the one that was launched. Afterwards its id may be another's.</summary>
    public bool IsAlive => !runner.Gone.IsCompleted;

    /// <summary>Its memory without a file behind it at the last look: what there will be more of when it is gone.</summary>
    public ByteSize Private
    {
        get
        {
            lock (_lock)
            {
                return _private;
            }
        }
    }

    public void See(FootprintReading reading)
    {
        lock (_lock)
        {
            _private = reading.Private;
            _loaded ??= reading.Taken;
            _peak = ByteSize.Max(_peak, reading.Peak);
        }
    }

    /// <summary>Hands on what was seen so far, if anything was. To be called only for a launch that has served.</summary>
    public void Teach()
    {
        lock (_lock)
        {
            if (_loaded is { } loaded)
            {
                records?.Learn(model, shape, new FootprintLesson(loaded, _peak, IsFirst: !_hasTaught) { LoadTime = loadTime });
                _hasTaught = true;
            }
        }
    }
}
