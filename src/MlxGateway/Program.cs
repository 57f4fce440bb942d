using MlxGateway.Hosting;
using MlxGateway.Inference;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Residency;

var isRelay = args is ["mcp", ..];
var (configuration, failure) = GatewayConfiguration.Read(isRelay ? args[1..] : args);
if (configuration is null)
{
    return failure!.Report();
}

if (isRelay)
{
    return await configuration.RelayAsync(args[1..]);
}

var options = configuration.Options;
var processes = new ProcessesOptions();
var builder = GatewayHost.CreateBuilder(configuration);
builder.AddTelemetry(Path.Combine(processes.StateDirectory, "logs"), options.Telemetry);

// Below the floor: models, memory, processes, runners, residency.
builder.Services
    .AddModels()
    .AddMemory(options.Memory)
    .AddObservedFootprints(processes.StateDirectory)
    .AddProcesses(processes)
    .AddRunners(options.Engines)
    .AddDownloads(options.Downloads)
    .AddResidency(options.Residency)
    .AddRunnerAdoption();

// The house.
builder.Services
    .AddAdmin(options.Admin, processes.StateDirectory)
    .AddToolCalls() // in front of the hub, whose filters look at calls
    .AddInference(new InferenceSettings(options.Limits, options.Streams, options.Residency.BackgroundModel) { Uploads = Path.Combine(processes.StateDirectory, "uploads") })
    .AddModelPorts(processes.StateDirectory)
    .AddToolPrompts()
    .AddRemoteImages(options.RemoteImages)
    .AddContextWindow(options.ContextWindow)
    .AddAccess(configuration.Root["AllowedHosts"], options.Access)
    .AddMcp()
    .AddApiReference();

await using var app = builder.Build();
app.UseRootServices();
app.UseRequestIds();
app.UseErrorShape();
app.UseAccess();
app.UseModelPorts();
app.MapInference();
app.MapAdmin();
app.MapTelemetry(options.Telemetry);
app.MapMcp();
app.MapApiReference();
return await app.ServeAsync(configuration);
