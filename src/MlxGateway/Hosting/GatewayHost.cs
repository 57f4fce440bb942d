using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using MlxGateway.Admin.Configuration;
using MlxGateway.Hosting;
using MlxGateway.Inference;
using MlxGateway.Inference.Ports;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Runners.Engines;
using MlxGateway.Supervision.Settings;

namespace Microsoft.AspNetCore.Builder;

/// <summary>How the house is opened and closed.</summary>
internal static class GatewayHost
{
    /// <summary>A builder with the configuration, the server and nothing else.</summary>
    public static WebApplicationBuilder CreateBuilder(GatewayConfiguration configuration)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "MlxGateway", ContentRootPath = configuration.Folder });
        builder.Configuration.AddConfiguration(configuration.Root);
        builder.WebHost.UseSetting(WebHostDefaults.ServerUrlsKey, ""); // listened on below, both loopbacks for one
        builder.Services.AddRoutingCore();
        var http2 = new CleartextHttp2(TimeProvider.System);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(server =>
        {
            server.AddServerHeader = false;

            // A client that pauses over a stream is not gone, and whoever is gone closes the connection.
            server.Limits.MinResponseDataRate = null;
            server.Limits.MaxRequestBodySize = configuration.Options.Limits.RequestBody.Bytes;
            var addresses = configuration.Addresses.Where(static a => !a.IsOptional || CanListen(a)).ToList();
            foreach (var listen in addresses.Where(static a => !a.IsTls))
            {
                server.Listen(listen.Address, listen.Port, endpoint => http2.Watch(endpoint, server.Limits.KeepAliveTimeout));
            }

            var own = server.Configure(ServerSettings(configuration, addresses));
            foreach (var endpoint in configuration.Kestrel.GetSection("Endpoints").GetChildren())
            {
                own.Endpoint(endpoint.Key, one =>
                {
                    if (!one.IsHttps)
                    {
                        http2.Watch(one.ListenOptions, server.Limits.KeepAliveTimeout);
                    }
                });
            }

            server.Listen(PortListener.Address, endpoint => http2.Watch(endpoint, server.Limits.KeepAliveTimeout));
            server.Listen(CleartextHttp2.Address, static inner => inner.Protocols = HttpProtocols.Http2);
        });
        builder.Services.AddSingleton<IConnectionListenerFactory>(http2);
        builder.Services.AddSingleton(configuration);
        builder.Services.AddSingleton<IModelSource, DemonstrationModels>();
        builder.Services.AddSingleton<DeviceMemory>();
        builder.Services.AddSingleton<IDeviceMemory>(static all => all.GetRequiredService<DeviceMemory>());
        builder.Services.AddSingleton<ConfigurationReload>();
        builder.Services.AddSingleton(static all => new LaunchPatience(() => all.GetRequiredService<ConfigurationReload>().Current.Values.ContainsKey("MlxGateway:Residency:LaunchTimeout")));
        builder.Services.AddSingleton<IGatewaySettings, SettingsInForce>();
        builder.Services.AddHostedService<ConfigurationWatch>();
        builder.Services.AddSingleton<EngineVersions>();
        builder.Services.AddSingleton<IEngineVersions>(static all => all.GetRequiredService<EngineVersions>());
        builder.Services.AddHostedService<GracefulStop>();
        builder.Services.AddSingleton<IdleMemory>();
        builder.Services.AddSingleton<IRequestObserver>(static all => all.GetRequiredService<IdleMemory>());
        builder.Services.AddHostedService(static all => all.GetRequiredService<IdleMemory>());
        builder.Services.Configure<HostOptions>(static host => host.ShutdownTimeout = TimeSpan.FromSeconds(150)); // a large runner's grace is two minutes
        return builder;
    }

    /// <summary>Gives requests the application's own services: nothing here lives for one request only, so none needs a scope of its own.</summary>
    public static void UseRootServices(this WebApplication app) => app.Use((context, next) =>
    {
        context.RequestServices = app.Services;
        return next(context);
    });

    /// <summary>Puts the models in force, serves until it is told to stop, and returns the exit code.</summary>
    public static async Task<int> ServeAsync(this WebApplication app, GatewayConfiguration configuration)
    {
        var errors = new SettingsErrors();
        var engines = await FindEnginesAsync(app);
        app.Services.GetRequiredService<DeviceMemory>().Note(engines);
        app.Services.GetRequiredService<EngineVersions>().Note(engines);
        var first = await AdoptModelsAsync(app, configuration, engines, errors);
        if (errors.Any)
        {
            return GatewayConfiguration.Failure(errors).Report();
        }

        try
        {
            await app.StartAsync();
        }
        catch (Exception failed) when (failed is IOException { InnerException: AddressInUseException } or SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse })
        {
            await app.StopAsync(); // what was adopted meanwhile goes the way that all runners go at the end
            return PortTaken(configuration).Report();
        }
        catch (Exception failed) when (configuration.HasServerSettings && failed is InvalidOperationException or CryptographicException or FormatException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            await app.StopAsync();
            errors.Add("Kestrel", $"{failed.Message.Split('\n')[0].Trim()} See Kestrel:Certificates and Kestrel:Endpoints.");
            return GatewayConfiguration.Failure(errors).Report();
        }

        var catalog = app.Services.GetRequiredService<ModelCatalog>();
        var memory = app.Services.GetRequiredService<IMemoryGauge>();
        Console.WriteLine(Announcement.Write(AddressOf(app), engines, catalog.Current.Models, memory.Describe(), configuration.Options.Access.Keys.Count > 0));
        LoadFirst(app, first);

        await app.WaitForShutdownAsync();
        return 0;
    }

    private static async Task<IReadOnlyList<EngineReport>> FindEnginesAsync(WebApplication app) =>
        await Task.WhenAll(app.Services.GetServices<IEngine>().Select(e => e.FindAsync(CancellationToken.None)));

    // Returns the model to load first.
    private static Task<ModelSpec?> AdoptModelsAsync(WebApplication app, GatewayConfiguration configuration, IReadOnlyList<EngineReport> engines, SettingsErrors errors)
    {
        var catalog = app.Services.GetRequiredService<ModelCatalog>();
        var kinds = app.Services.GetRequiredService<RunnerKinds>().Names;
        var lacking = engines.Where(e => !e.IsFound).Select(e => e.Engine);
        catalog.TryAdopt(configuration.ModelSettings(kinds) with { LaunchableKinds = [.. kinds.Except(lacking)] }, errors);

        if (!errors.Any && configuration.Options.Residency.BackgroundModel is { } standIn && catalog.Current.Resolve(standIn) is null)
        {
            errors.Add("MlxGateway:Residency:BackgroundModel", $"\"{standIn}\" names no model here.");
        }

        if (errors.Any || configuration.FirstModel is not { } name)
        {
            return Task.FromResult<ModelSpec?>(null);
        }

        var first = catalog.Current.Resolve(name);
        if (first is null)
        {
            errors.Add("--model", $"\"{name}\" names no model here.");
        }

        return Task.FromResult(first);
    }

    // In the background: clients may come while it loads, and wait for it like for any other.
    private static void LoadFirst(WebApplication app, ModelSpec? named) => _ = Task.Run(async () =>
    {
        var pool = app.Services.GetRequiredService<IModelPool>();
        var known = app.Services.GetRequiredService<ModelCatalog>().Current;
        foreach (var model in known.Models.Where(m => m.Preload && m != named && m.Missing is null).OrderByDescending(m => m.Pinned).ThenByDescending(m => m.Priority).Prepend(named).OfType<ModelSpec>())
        {
            try
            {
                // Only the one that was named on the command line may make others leave.
                using var lease = await pool.AcquireAsync(model, model == named ? LeaseTerms.Person : new LeaseTerms { IsBackground = true, MayEvict = false }, app.Lifetime.ApplicationStopping);
            }
            catch (Exception refused) when (refused is LeaseRefusedException or OperationCanceledException)
            {
                await Console.Error.WriteLineAsync($"The model '{model.Id}' could not be loaded first: {refused.Message}");
            }
        }
    });

    // The server reads certificates when it starts, and says then what is wrong with them; so what is to be encrypted is told it in its own words.
    private static IConfigurationRoot ServerSettings(GatewayConfiguration configuration, IEnumerable<ListenAddress> addresses) => new ConfigurationBuilder()
        .AddConfiguration(configuration.Kestrel)
        .AddInMemoryCollection(addresses.Where(static a => a.IsTls).Select(static (a, i) => KeyValuePair.Create<string, string?>($"Endpoints:Urls {i}:Url", $"https://{new System.Net.IPEndPoint(a.Address, a.Port)}")))
        .Build();

    private static StartFailure PortTaken(GatewayConfiguration configuration)
    {
        var taken = configuration.Addresses.Concat(configuration.Endpoints).FirstOrDefault(a => a.Port != 0 && !CanListen(a)) ?? configuration.Addresses[0];
        var holder = PortHolder.Describe(taken.Port);
        return new StartFailure(StartFailure.PortTaken, [$"MlxGateway does not start: port {taken.Port} is already in use{(holder is null ? "" : $" by {holder}")}. Stop that program, or choose another port with --port N."]);
    }

    private static bool CanListen(ListenAddress listen)
    {
        if (listen.Address.AddressFamily == AddressFamily.InterNetworkV6 && !Socket.OSSupportsIPv6)
        {
            return false;
        }

        using var socket = new Socket(listen.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new System.Net.IPEndPoint(listen.Address, listen.Port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static string AddressOf(WebApplication app)
    {
        var all = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        var address = all.FirstOrDefault(a => a.Contains("127.0.0.1", StringComparison.Ordinal)) ?? all.FirstOrDefault() ?? "nowhere";
        return address.Replace("[::]", "127.0.0.1", StringComparison.Ordinal);
    }
}
