using System.Net.Sockets;
using MlxGateway.Inference;
using MlxGateway.Inference.Describing;
using MlxGateway.Telemetry;
using MlxGateway.Telemetry.Exposition;
using MlxGateway.Telemetry.Otlp;
using Serilog;
using Serilog.Events;
using Serilog.Extensions.Logging;

namespace Microsoft.AspNetCore.Builder;

/// <summary>What the gateway tells of itself: the log, the request records, measurements and traces.</summary>
internal static class TelemetryEndpoints
{
    /// <summary>Registers the log (console and a rolling file), the request records, and what is configured of measurements and traces.</summary>
    /// <param name="builder">The application.</param>
    /// <param name="folder">Where the log files go.</param>
    /// <param name="options">What is told.</param>
    public static void AddTelemetry(this WebApplicationBuilder builder, string folder, TelemetryOptions options)
    {
        AddLog(builder, folder);
        builder.Services.AddSingleton<RequestLog>();
        builder.Services.AddSingleton<IRequestObserver>(static all => all.GetRequiredService<RequestLog>());
        builder.Services.AddHostedService(static all => all.GetRequiredService<RequestLog>());
        if (OtlpExport.Add(builder, options.Otlp) | options.Metrics)
        {
            builder.Services.AddMeasuring(options.Metrics);
        }
    }

    /// <summary>Registers what is measured. Where it is not called nothing is.</summary>
    /// <param name="services">The services.</param>
    /// <param name="isShown">Whether <c>/metrics</c> shows it.</param>
    internal static void AddMeasuring(this IServiceCollection services, bool isShown)
    {
        services.AddSingleton<ObservedMemory>();
        services.AddSingleton<StateMeasures>();
        services.AddSingleton<RequestMeasures>();
        services.AddSingleton<IRequestObserver>(static all => all.GetRequiredService<RequestMeasures>());
        if (isShown)
        {
            services.AddSingleton<MetricStore>();
        }

        services.AddHostedService<Measuring>();
    }

    private static void AddLog(WebApplicationBuilder builder, string folder)
    {
        var configuration = new LoggerConfiguration()
            .MinimumLevel.Information()
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            .MinimumLevel.Override("System", LogEventLevel.Warning)
            .MinimumLevel.Override("Yarp", LogEventLevel.Error) // a client that left, or a runner that died, is in the request's record
            .Filter.ByExcluding(e => e.Exception is UnfinishedResponseException) // how a response that cannot be completed is ended, not a fault
            .Filter.ByExcluding(e => e.Exception?.GetBaseException() is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse }) // said in one sentence, with the holder's name
            .Filter.ByExcluding(static e => e.MessageTemplate.Text == "Hosting failed to start") // thrown as well, and said in a sentence where it is a mistake of the configuration
            .WriteTo.Console(outputTemplate: "{Timestamp:HH:mm:ss} {Level:u3} {Message:lj}{NewLine}{Exception}", formatProvider: System.Globalization.CultureInfo.InvariantCulture)
            .WriteTo.File(
                Path.Combine(folder, "gateway-.log"),
                outputTemplate: "{Timestamp:yyyy-MM-ddTHH:mm:ss.fffzzz} {Level:u3} {SourceContext} {Message:lj}{NewLine}{Exception}",
                formatProvider: System.Globalization.CultureInfo.InvariantCulture,
                buffered: true,
                flushToDiskInterval: TimeSpan.FromSeconds(1),
                rollingInterval: RollingInterval.Day,
                fileSizeLimitBytes: 16 << 20,
                rollOnFileSizeLimit: true,
                retainedFileCountLimit: 10);
        foreach (var level in builder.Configuration.GetSection("Logging:LogLevel").GetChildren())
        {
            if (Enum.TryParse<LogLevel>(level.Value, ignoreCase: true, out var wanted))
            {
                var serilog = LevelConvert.ToSerilogLevel(wanted);
                _ = level.Key == "Default" ? configuration.MinimumLevel.Is(serilog) : configuration.MinimumLevel.Override(level.Key, serilog);
            }
        }

        builder.Logging.ClearProviders();

        builder.Logging.AddSerilog(configuration.CreateLogger(), dispose: true);

        // Its scope and its activity around every request cost more than everything else that is logged; the request's own record says what they would. For the provider, and behind it: it brings a rule
        // of its own along that opens everything to it, and a rule for all providers does not count beside one for a certain one.
        builder.Logging.AddFilter<SerilogLoggerProvider>("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
    }

    /// <summary>Gives every request an id. Before everything that may answer.</summary>
    public static IApplicationBuilder UseRequestIds(this IApplicationBuilder app) => app.UseMiddleware<RequestIds>();

    /// <summary>Maps <c>/metrics</c>, if it is wanted.</summary>
    public static void MapTelemetry(this IEndpointRouteBuilder app, TelemetryOptions options)
    {
        if (options.Metrics)
        {
            app.MapGet("/metrics", static (MetricStore store) => Results.Text(store.Write(), PrometheusText.ContentType))
                .Says("Admin", "Shows all measurements in Prometheus' text: requests, tokens, times, loads, memory")
                .Produces<string>(StatusCodes.Status200OK, "text/plain")
                .WithMetadata(new AnswerExample("# HELP mlxgateway_requests_in_flight Requests to models that are being read, wait or are served.\n# TYPE mlxgateway_requests_in_flight gauge\nmlxgateway_requests_in_flight 2\n"));
        }
    }
}
