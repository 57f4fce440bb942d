using MlxGateway.Commands;
using MlxGateway.Hosting;
using MlxGateway.Inference;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Residency;

return await CommandLine.RunAsync(args, new House { Serve = Serve, Place = ConfiguredGateway.Place, Configuration = static switches => ConfiguredGateway.Check(switches, AddCellar) });

static async Task<int> Serve(string[] switches)
{
    var (configuration, failure) = GatewayConfiguration.Read(switches);
    if (configuration is null)
    {
        return failure!.Report();
    }

    var options = configuration.Options;
    var processes = new ProcessesOptions();
    var builder = GatewayHost.CreateBuilder(configuration);
    builder.AddTelemetry(Path.Combine(processes.StateDirectory, "logs"), options.Telemetry);
    AddCellar(builder.Services, options);

    // The house.
    builder.Services
        .AddAdmin(options.Admin, processes.StateDirectory)
        .AddToolCalls() // in front of the hub, whose filters look at calls
        .AddInference(new InferenceSettings(options.Limits, options.Streams, options.Residency.BackgroundModel) { Uploads = Path.Combine(processes.StateDirectory, "uploads") })
        .AddToolPrompts()
        .AddRemoteImages(options.RemoteImages)
        .AddContextWindow(options.ContextWindow)
        .AddAccess(configuration.Root["AllowedHosts"], options.Access)
        .AddApiReference();

    await using var app = builder.Build();
    app.UseRootServices();
    app.UseRequestIds();
    app.UseErrorShape();
    app.UseAccess();
    app.MapInference();
    app.MapAdmin();
    app.MapTelemetry(options.Telemetry);
    app.MapApiReference();
    return await app.ServeAsync(configuration);
}

// Below the floor: models, memory, processes, runners, residency.
static IServiceCollection AddCellar(IServiceCollection services, GatewayOptions options) => services
    .AddModels()
    .AddMemory(options.Memory)
    .AddObservedFootprints(new ProcessesOptions().StateDirectory)
    .AddProcesses(new ProcessesOptions())
    .AddRunners(options.Engines)
    .AddResidency(options.Residency)
    .AddRunnerAdoption();
