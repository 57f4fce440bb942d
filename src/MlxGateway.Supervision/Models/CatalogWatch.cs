using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MlxGateway.Supervision.Models;

/// <summary>Makes the catalog follow the disk: has it rebuilt soon after something changed where models lie. Running models are not touched.</summary>
/// <remarks>
/// What the system tells (<see cref="FolderHints"/>) is a hint that it is time to look. What is found by looking (<see cref="DiskSurvey"/>), at intervals, is what counts: it works on
/// network shares, in folders that are not there yet, and where the system has no watches left.
/// </remarks>
internal sealed partial class CatalogWatch : IHostedService, IDisposable
{
    /// <summary>How often it looks by itself.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>How long after a hint it looks: changes come in groups.</summary>
    public static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(500);

    // On a slow disk with many models it rests 20 times as long as it worked.
    private const int Rest = 20;
    private readonly ModelCatalog _catalog;
    private readonly TimeProvider _time;
    private readonly ILogger<CatalogWatch> _logger;
    private readonly FolderHints _hints;
    private readonly Lock _looking = new();
    private readonly Lock _planning = new();
    private DiskSurvey? _survey;
    private ModelSettings? _surveyed;
    private ITimer? _timer;
    private bool _isHinted;
    private bool _isLooking;
    private long _notBefore;

    public CatalogWatch(ModelCatalog catalog, TimeProvider time, ILogger<CatalogWatch> logger)
    {
        (_catalog, _time, _logger) = (catalog, time, logger);
        _hints = new FolderHints(Hint);
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        lock (_planning)
        {
            // At once, because something may have changed since the settings were adopted.
            _timer = _time.CreateTimer(static self => ((CatalogWatch)self!).Look(), this, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }

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
        lock (_planning)
        {
            _timer?.Dispose();
            _timer = null;
        }

        lock (_looking)
        {
            _hints.Dispose();
        }
    }

    private void Hint()
    {
        lock (_planning)
        {
            if (!_isHinted)
            {
                _isHinted = true;
                Plan_NeedsLock();
            }
        }
    }

    private void Look()
    {
        bool isHinted;
        lock (_planning)
        {
            (isHinted, _isHinted, _isLooking) = (_isHinted, false, true);
        }

        lock (_looking)
        {
            try
            {
                if (isHinted || _survey is null || !ReferenceEquals(_surveyed, _catalog.Settings) || _survey.HasChanged())
                {
                    Follow_NeedsLock();
                }
            }
            catch (Exception unexpected)
            {
                Log.Failed(_logger, unexpected); // the next look is in a few seconds; a gateway that serves must not end here
            }
        }

        lock (_planning)
        {
            _isLooking = false;
            Plan_NeedsLock();
        }
    }

    private void Follow_NeedsLock()
    {
        var began = _time.GetTimestamp();
        if (_catalog.Settings is not { } settings)
        {
            return;
        }

        // Before anything is read, so that what changes meanwhile is seen by the next look.
        var survey = DiskSurvey.Of(ModelPlaces.Of(settings));
        _catalog.Rebuild();
        (_survey, _surveyed) = (survey, settings);
        lock (_planning)
        {
            if (_timer is null)
            {
                return;
            }

            _hints.Watch(survey.Watchable);
            _notBefore = _time.GetTimestamp() + ((_time.GetTimestamp() - began) * Rest);
        }
    }

    private void Plan_NeedsLock()
    {
        if (_isLooking)
        {
            return; // it plans the next one itself
        }

        var rest = _time.GetElapsedTime(_time.GetTimestamp(), _notBefore);
        var next = _isHinted ? Settling : Interval;
        _timer?.Change(rest > next ? rest : next, Timeout.InfiniteTimeSpan);
    }

    private static partial class Log
    {
        [LoggerMessage(1010, LogLevel.Warning, "The folders of models could not be looked at; the models stay as they were.")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
