using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using MlxGateway.Inference.Tracing;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Telemetry.Exposition;

/// <summary>Listens to the gateway's instruments and keeps what they measured, for <c>/metrics</c>.</summary>
internal sealed class MetricStore : IDisposable
{
    /// <summary>The meters of the house.</summary>
    public static readonly IReadOnlyList<string> Meters = [RequestMeasures.MeterName, StateMeasures.MeterName, RequestSpans.Name, PoolMeasureNames.Source];

    private readonly ConcurrentDictionary<string, SeriesTable> _tables = new(StringComparer.Ordinal);
    private readonly MeterListener _listener = new();
    private readonly Lock _asking = new();

    /// <summary>Begins to listen. What is measured before is not heard.</summary>
    public void Start()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (Meters.Contains(instrument.Meter.Name))
            {
                listener.EnableMeasurementEvents(instrument, _tables.GetOrAdd(instrument.Name, static (_, i) => new SeriesTable(i), instrument));
            }
        };
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, table) => ((SeriesTable)table!).Note(value, tags));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, table) => ((SeriesTable)table!).Note(value, tags));
        _listener.Start();
    }

    /// <summary>Asks how things stand, and reads everything. One at a time.</summary>
    public string Write()
    {
        lock (_asking)
        {
            foreach (var table in _tables.Values)
            {
                table.Forget();
            }

            _listener.RecordObservableInstruments();
            return PrometheusText.Write(Families.All, _tables);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _listener.Dispose();
}
