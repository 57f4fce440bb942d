using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Hosting;

/// <summary>Reads the configuration again and puts in force what has changed. A mistake anywhere leaves everything as it was.</summary>
internal sealed partial class ConfigurationReload(GatewayConfiguration first, ModelCatalog catalog, RunnerKinds kinds, IModelPool pool, ILogger<ConfigurationReload> logger)
{
    // What is read again; the rest is what the gateway was built from.
    private static readonly string[] Live = ["MlxGateway:Models", "MlxGateway:Discovery", "MlxGateway:DefaultModel", "MlxGateway:Residency"];

    private readonly Lock _lock = new();
    private GatewayConfiguration? _current;

    /// <summary>Reads and, if anything that counts has changed, applies. Never throws.</summary>
    public void Apply()
    {
        lock (_lock)
        {
            var (next, failure) = GatewayConfiguration.Read(first.Arguments);
            if (next is null)
            {
                Log.Rejected(logger, string.Join(' ', failure!.Sentences));
                return;
            }

            var changed = Changed(_current ?? first, next);
            if (changed.Count == 0)
            {
                return; // a comment, or white space
            }

            var errors = new SettingsErrors();
            if (!catalog.TryAdopt(next.ModelSettings(kinds.Names), errors))
            {
                Log.Rejected(logger, string.Join(' ', errors.All));
                return;
            }

            pool.Reconfigure(next.Options.Residency, catalog.Current);
            _current = next;
            Log.Applied(logger, string.Join(", ", changed.Where(IsLive)));
            if (changed.Where(key => !IsLive(key)).ToList() is { Count: > 0 } later)
            {
                Log.Later(logger, string.Join(", ", later));
            }
        }
    }

    private static List<string> Changed(GatewayConfiguration one, GatewayConfiguration other)
    {
        var (before, after) = (one.Values, other.Values);
        return [.. before.Keys.Union(after.Keys, StringComparer.OrdinalIgnoreCase)
            .Where(key => before.GetValueOrDefault(key) != after.GetValueOrDefault(key))
            .Order(StringComparer.OrdinalIgnoreCase)];
    }

    private static bool IsLive(string key) => Live.Any(section => key.Equals(section, StringComparison.OrdinalIgnoreCase) || key.StartsWith(section + ":", StringComparison.OrdinalIgnoreCase));

    private static partial class Log
    {
        [LoggerMessage(4010, LogLevel.Information, "The configuration was read again; changed: {Keys}.")]
        public static partial void Applied(ILogger logger, string keys);

        [LoggerMessage(4011, LogLevel.Warning, "These changes of the configuration take effect at the next start: {Keys}.")]
        public static partial void Later(ILogger logger, string keys);

        [LoggerMessage(4012, LogLevel.Error, "The changed configuration is not taken, and everything stays as it was: {Why}")]
        public static partial void Rejected(ILogger logger, string why);
    }
}
