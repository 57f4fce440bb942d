using MlxGateway.Commands;
using MlxGateway.Hosting;
using MlxGateway.Inference;
using MlxGateway.Mcp.Stdio;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Residency;

return await CommandLine.RunAsync(args, new House { Serve = Serve, Place = ConfiguredGateway.Place, Configuration = static switches => ConfiguredGateway.Check(switches, AddCellar), Mcp = McpStdio.RunAsync });

static async Task<int> Serve(string[] switches)
{
    var (configuration, failure) = GatewayConfiguration.Read(switches);
    if (configuration is null)
    {
        return failure!.Report();
    }

    var options = configuration.Options;
    var state = new ProcessesOptions().StateDirectory;
    var builder = GatewayHost.CreateBuilder(configuration);
    builder.AddTelemetry(Path.Combine(state, "logs"), options.Telemetry);
    AddCellar(builder.Services, options);

    // The house.
    builder.Services
        .AddAdmin(options.Admin, state)
        .AddToolCalls() // in front of the hub, whose filters look at calls
        .AddInference(new InferenceSettings(options.Limits, options.Streams, options.Residency.BackgroundModel) { Uploads = Path.Combine(state, "uploads") })
        .AddModelPorts(state)
        .AddToolPrompts()
        .AddRemoteImages(options.RemoteImages)
        .AddContextWindow(options.ContextWindow)
        .AddAccess(configuration.Root["AllowedHosts"], options.Access)
        .AddMcp()
        .AddApiReference();

    await using var app = builder.Build();
    app.UseRootServices();
    app.UseRequestIds().UseErrorShape().UseAccess().UseModelPorts();
    app.MapInference();
    app.MapAdmin();
    app.MapTelemetry(options.Telemetry);
    app.MapMcp();
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
    .AddDownloads(options.Downloads)
    .AddResidency(options.Residency)
    .AddRunnerAdoption();
