using System.Runtime.InteropServices;

namespace MlxGateway.Hosting;

/// <summary>Notices that a configuration file has changed, or that somebody sent SIGHUP, and has it read again.</summary>
/// <remarks>Looks at the files' times and lengths once a second, which costs some microseconds and works on every file system; watching by events does not (network folders, editors that rename).</remarks>
internal sealed class ConfigurationWatch(GatewayConfiguration configuration, ConfigurationReload reload, TimeProvider time) : IHostedService, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private string _seen = Stamp(configuration.Files);
    private ITimer? _timer;
    private PosixSignalRegistration? _hangUp;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            signal.Cancel = true; // otherwise the process would end
            reload.Apply();
        });
        _timer = time.CreateTimer(_ => Look(), null, Interval, Interval);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer?.Dispose();
        _hangUp?.Dispose();
    }

    private void Look()
    {
        lock (_lock)
        {
            var stamp = Stamp(configuration.Files);
            if (stamp == _seen)
            {
                return;
            }

            _seen = stamp;
        }

        reload.Apply();
    }

    private static string Stamp(IEnumerable<string> files) => string.Join('|', files.Select(file =>
    {
        var info = new FileInfo(file);
        return info.Exists ? $"{info.LastWriteTimeUtc.Ticks}:{info.Length}" : "";
    }));
}
