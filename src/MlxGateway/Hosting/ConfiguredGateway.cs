using System.Net;
using MlxGateway.Commands;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Hosting;

/// <summary>What the commands are told of the configuration.</summary>
internal static class ConfiguredGateway
{
    /// <summary>Where a gateway with these switches listens. Reads no more than that: a short command waits for it.</summary>
    public static ListeningPlace Place(string[] switches)
    {
        var (addresses, errors) = GatewayConfiguration.ReadAddresses(switches);
        return errors.Any || addresses.Count == 0
            ? new ListeningPlace(null, [.. errors.All.Select(static e => e.ToString())])
            : new ListeningPlace(ForThisMachine(addresses[0]), []);
    }

    /// <summary>All that a start with these switches would read, models too.</summary>
    /// <param name="switches">The switches.</param>
    /// <param name="cellar">Adds everything below the floor.</param>
    public static ConfigurationReport Check(string[] switches, Func<IServiceCollection, GatewayOptions, IServiceCollection> cellar)
    {
        var (configuration, failure) = GatewayConfiguration.Read(switches);
        var options = configuration?.Options ?? new GatewayOptions();
        var services = cellar(new ServiceCollection(), options).AddSingleton<IModelSource, DemonstrationModels>().BuildServiceProvider();
        var kinds = services.GetRequiredService<RunnerKinds>().Names;
        var settings = configuration?.ModelSettings(kinds);
        var errors = new SettingsErrors();
        if (settings is not null)
        {
            services.GetRequiredService<ModelCatalog>().TryAdopt(settings, errors);
        }

        IReadOnlyList<string> mistakes = failure is not null ? [.. failure.Sentences.Skip(1).Select(static s => s.Trim())] : [.. errors.All.Select(static e => e.ToString())];
        return new ConfigurationReport(
            GatewayConfiguration.FilesOf(switches),
            mistakes,
            [.. (configuration?.Addresses ?? []).Where(static a => !a.IsOptional).Select(static a => new IPEndPoint(a.Address, a.Port))],
            new ProcessesOptions().StateDirectory,
            ModelCacheFolder.Path(Environment.GetEnvironmentVariable),
            services)
        {
            Models = options.Models.Count,
        };
    }

    private static Uri ForThisMachine(ListenAddress listen)
    {
        var isAny = listen.Address.Equals(IPAddress.Any) || listen.Address.Equals(IPAddress.IPv6Any);
        return new UriBuilder(listen.IsTls ? "https" : "http", (isAny ? IPAddress.Loopback : listen.Address).ToString(), listen.Port).Uri;
    }
}
