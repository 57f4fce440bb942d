using System.Diagnostics.Metrics;
using MlxGateway.Inference.Describing;
using MlxGateway.Inference;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Telemetry;

/// <summary>Says how things stand, when somebody looks: what is being served and what waits, who is in memory, what that takes, and what the gateway's own process takes.</summary>
internal sealed class StateMeasures : IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "MlxGateway.State";

    private readonly Meter _meter = new(MeterName);
    private readonly IModelPool _pool;
    private readonly RequestsInFlight _inFlight;
    private readonly ObservedMemory _memory;

    public StateMeasures(IModelPool pool, RequestsInFlight inFlight, ObservedMemory memory, TimeProvider time)
    {
        (_pool, _inFlight, _memory) = (pool, inFlight, memory);
        _meter.CreateObservableGauge("mlxgateway.requests.in_flight", () => (long)_inFlight.All.Count(), "{request}", "Requests to models that are being read, wait or are served.");
        _meter.CreateObservableGauge("mlxgateway.requests.running", () => Count(RequestStage.Running), "{request}", "Requests that have a runner, which is at work on them.");
        _meter.CreateObservableGauge("mlxgateway.requests.waiting", () => Count(RequestStage.Queued), "{request}", "Requests that wait for their model, or for their turn.");
        _meter.CreateObservableGauge("mlxgateway.model.state", States, "1", "1: the model is in this state. Models that are not in memory are not shown.");
        _meter.CreateObservableGauge("mlxgateway.model.memory.planned", Planned, "By", "What a model in memory is counted with.");
        _meter.CreateObservableGauge("mlxgateway.model.memory.observed", Observed, "By", "What the processes of a model in memory take, the files that they map with them.");
        _meter.CreateObservableGauge("mlxgateway.memory.planned", () => _pool.Snapshot.Planned.Bytes, "By", "What all models in memory are counted with.");
        _meter.CreateObservableGauge("mlxgateway.memory.budget", () => Figures(m => m.Ceiling.Bytes), "By", "The most that all models may ever use.");
        _meter.CreateObservableGauge("mlxgateway.memory.usable", () => Figures(m => m.Usable.Bytes), "By", "The most that all models may use now, beside what other programs hold.");
        _meter.CreateObservableGauge("mlxgateway.build", () => new Measurement<long>(1, new KeyValuePair<string, object?>(Tag.Version, GatewayVersion.Whole)), "1", "1, with the version.");

        var started = time.GetUtcNow();
        _meter.CreateObservableCounter("process.cpu.time", static () => Environment.CpuUsage.TotalTime.TotalSeconds, "s", "Processor time of the gateway's own process.");
        _meter.CreateObservableGauge("process.memory.usage", static () => Environment.WorkingSet, "By", "Resident memory of the gateway's own process.");
        _meter.CreateObservableGauge("process.open_file_descriptor.count", OpenFiles, "{file}", "Open files and connections of the gateway's own process.");
        _meter.CreateObservableGauge("process.start.time", () => (started - DateTimeOffset.UnixEpoch).TotalSeconds, "s", "When the gateway was started, in seconds since 1970.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    // A model in memory that nobody asks has a zero, so that a graph of it does not end.
    private IEnumerable<Measurement<long>> Count(RequestStage stage)
    {
        var counts = _pool.Snapshot.Models.Where(static m => m.State is not ResidentState.Absent).ToDictionary(static m => m.Id, static _ => 0L, StringComparer.Ordinal);
        foreach (var exchange in _inFlight.All)
        {
            if (exchange.Stage == stage && exchange.Record.Model is { } model)
            {
                counts[model] = counts.GetValueOrDefault(model) + 1;
            }
        }

        return counts.Select(static c => Of(c.Value, c.Key));
    }

    private IEnumerable<Measurement<long>> States() => Residents().Select(static m => new Measurement<long>(1, new(Tag.Resident, m.Id), new(Tag.State, Refusals.StateName(m.State))));

    private IEnumerable<Measurement<long>> Planned() => Residents().Where(static m => m.Planned.Bytes > 0).Select(static m => Of(m.Planned.Bytes, m.Id));

    private IEnumerable<Measurement<long>> Observed()
    {
        var taken = _memory.Now(_pool.Snapshot).Taken;
        return Residents().Where(m => m.Pid is { } pid && taken.ContainsKey(pid)).Select(m => Of(taken[m.Pid!.Value].Bytes, m.Id));
    }

    private IEnumerable<Measurement<long>> Figures(Func<Supervision.Memory.MemoryObservation, long> figure) =>
        _memory.Now(_pool.Snapshot).Machine is { } machine ? [new Measurement<long>(figure(machine))] : [];

    private IEnumerable<ResidentSnapshot> Residents() => _pool.Snapshot.Models.Where(static m => m.State is not ResidentState.Absent);

    private static Measurement<long> Of(long value, string model) => new(value, new KeyValuePair<string, object?>(Tag.Resident, model));

    // Where the system shows them; looking opens one more.
    private static IEnumerable<Measurement<long>> OpenFiles()
    {
        var folder = OperatingSystem.IsLinux() ? "/proc/self/fd" : "/dev/fd";
        return Directory.Exists(folder) ? [new Measurement<long>(Directory.EnumerateFileSystemEntries(folder).LongCount() - 1)] : [];
    }
}
