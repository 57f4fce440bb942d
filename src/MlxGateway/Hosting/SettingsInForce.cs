using MlxGateway.Admin.Configuration;

namespace MlxGateway.Hosting;

/// <summary>Shows the room of those who steer what is configured, and lets it be read again.</summary>
internal sealed class SettingsInForce(ConfigurationReload reload) : IGatewaySettings
{
    // What stands outside the gateway's own section and is its business.
    private static readonly string[] Shared = ["Urls", "AllowedHosts", "port"];
    private static readonly string[] Sections = [nameof(MlxGateway) + ":", nameof(GatewayConfiguration.Kestrel) + ":"];

    /// <inheritdoc/>
    public SettingsAnswer Describe()
    {
        var (first, current) = (reload.First, reload.Current);
        return new SettingsAnswer(
            EffectiveSettings.Show(
                [.. first.Addresses.Select(static a => $"{(a.IsTls ? "https" : "http")}://{new System.Net.IPEndPoint(a.Address, a.Port)}")],
                first.Root["AllowedHosts"],
                first.Kestrel,
                key => ConfigurationReload.IsLive($"{nameof(MlxGateway)}:{key}") ? current.Options : first.Options),
            [.. current.Files.Select(static file => new SettingsFile(file, File.Exists(file)))],
            current.SetBy.Where(static e => Sections.Any(section => e.Key.StartsWith(section, StringComparison.OrdinalIgnoreCase)) || Shared.Contains(e.Key, StringComparer.OrdinalIgnoreCase))
                .OrderBy(static e => e.Key, StringComparer.OrdinalIgnoreCase).ToDictionary(static e => e.Key, static e => e.Value),
            reload.AtNextStart);
    }

    /// <inheritdoc/>
    public ReloadOutcome Reload() => reload.Apply();
}
