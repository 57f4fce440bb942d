using MlxGateway.Admin.Configuration;
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

    /// <summary>What was read last and put in force.</summary>
    public GatewayConfiguration Current => Volatile.Read(ref _current) ?? first;

    /// <summary>What the gateway was built from.</summary>
    public GatewayConfiguration First => first;

    /// <summary>The keys that were changed since the start and are not in force before the next.</summary>
    public IReadOnlyList<string> AtNextStart => [.. Changed(first, Current).Where(key => !IsLive(key))];

    /// <summary>Whether what the files say of this key is in force when they have been read again.</summary>
    public static bool IsLive(string key) => Live.Any(section => key.Equals(section, StringComparison.OrdinalIgnoreCase) || key.StartsWith(section + ":", StringComparison.OrdinalIgnoreCase));

    /// <summary>Reads and, if anything that counts has changed, applies. Never throws.</summary>
    public ReloadOutcome Apply()
    {
        lock (_lock)
        {
            var (next, failure) = GatewayConfiguration.Read(first.Arguments);
            if (next is null)
            {
                string[] mistakes = [.. failure!.Sentences.Skip(1).Select(static s => s.Trim())]; // the first says that it does not start, which is true of a start only
                Log.Rejected(logger, string.Join(' ', mistakes));
                return ReloadOutcome.Rejected(mistakes);
            }

            var changed = Changed(_current ?? first, next);
            if (changed.Count == 0)
            {
                return new ReloadOutcome([], AtNextStart, []); // a comment, or white space
            }

            var errors = new SettingsErrors();
            if (!catalog.TryAdopt(next.ModelSettings(kinds.Names), errors))
            {
                Log.Rejected(logger, string.Join(' ', errors.All));
                return ReloadOutcome.Rejected([.. errors.All.Select(static e => e.ToString())]);
            }

            pool.Reconfigure(next.Options.Residency, catalog.Current);
            Volatile.Write(ref _current, next);
            if (changed.Where(IsLive).ToList() is { Count: > 0 } live)
            {
                Log.Applied(logger, string.Join(", ", live));
            }

            if (changed.Where(key => !IsLive(key)).ToList() is { Count: > 0 } later)
            {
                Log.Later(logger, string.Join(", ", later));
            }

            return new ReloadOutcome([.. changed.Where(IsLive)], AtNextStart, []);
        }
    }

    private static List<string> Changed(GatewayConfiguration one, GatewayConfiguration other)
    {
        var (before, after) = (one.Values, other.Values);
        return [.. before.Keys.Union(after.Keys, StringComparer.OrdinalIgnoreCase)
            .Where(key => before.GetValueOrDefault(key) != after.GetValueOrDefault(key))
            .Order(StringComparer.OrdinalIgnoreCase)];
    }

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
