using System.Collections;
using MlxGateway.Inference.Describing;
using MlxGateway.Inference.Tracing;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Settings;
using MlxGateway.Telemetry.Exposition;
using OpenTelemetry;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace MlxGateway.Telemetry.Otlp;

/// <summary>Sends traces, metrics and logs to a collector, if one is named: in the configuration, or by OpenTelemetry's own variables, which come first.</summary>
internal static class OtlpExport
{
    private const string Prefix = "OTEL_";
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string Sampler = "OTEL_TRACES_SAMPLER";
    private static readonly string[] Endpoints = [Endpoint, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"];

    /// <summary>Says what is wrong with the options that their types do not show.</summary>
    public static void Check(OtlpOptions options, SettingsErrors errors)
    {
        if (options.Headers?.Split(',').FirstOrDefault(static h => h.IndexOf('=', StringComparison.Ordinal) <= 0) is not null)
        {
            errors.Add("MlxGateway:Telemetry:Otlp:Headers", "is not a list of headers; write \"name=value\", or \"name=value,name=value\"."); // never with the value, which is a secret
        }

        if (options.TracesPerSecond < 0)
        {
            errors.Add("MlxGateway:Telemetry:Otlp:TracesPerSecond", $"\"{options.TracesPerSecond}\" is less than none; write how many traces may begin in a second, or 0 for every one.");
        }
    }

    /// <summary>Registers the export. False: nothing is to be sent, and nothing was registered.</summary>
    public static bool Add(WebApplicationBuilder builder, OtlpOptions options)
    {
        var settings = Settings(options, Environment.GetEnvironmentVariables());
        if (settings is null)
        {
            return false;
        }

        // The library reads its own variables, of which there are dozens, from the configuration; the gateway's has only what is meant for the gateway.
        builder.Configuration.AddInMemoryCollection(settings);
        AddProviders(builder.Services, options);
        var perSecond = settings.ContainsKey(Sampler) ? 0 : options.TracesPerSecond; // who names a sampler has said which ones
        builder.Services.AddSingleton(all => new TracePace(perSecond, all.GetRequiredService<TimeProvider>()));
        builder.Logging
            .AddFilter<OpenTelemetryLoggerProvider>(null, options.Logs ? LogLevel.Information : LogLevel.None)
            .AddFilter<OpenTelemetryLoggerProvider>("Microsoft", options.Logs ? LogLevel.Warning : LogLevel.None)
            .AddFilter<OpenTelemetryLoggerProvider>("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None) // its scope and its activity around every request cost more than all that is measured
            .AddFilter<OpenTelemetryLoggerProvider>("Microsoft.AspNetCore.Server.Kestrel", LogLevel.None) // how a response that cannot be completed is ended, not a fault; the request's record says why
            .AddFilter<OpenTelemetryLoggerProvider>(typeof(RequestLog).FullName, options is { Logs: true, Traces: false } ? LogLevel.Information : LogLevel.None) // a request's span says all that its record says
            .AddFilter<OpenTelemetryLoggerProvider>("System", options.Logs ? LogLevel.Warning : LogLevel.None)
            .AddFilter<OpenTelemetryLoggerProvider>("Yarp", options.Logs ? LogLevel.Error : LogLevel.None);
        return true;
    }

    /// <summary>The settings of the library; null: nothing is to be sent.</summary>
    /// <param name="options">What is configured.</param>
    /// <param name="environment">The variables.</param>
    internal static Dictionary<string, string?>? Settings(OtlpOptions options, IDictionary environment)
    {
        var settings = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["OTEL_SERVICE_NAME"] = options.ServiceName,
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = options.Protocol == OtlpProtocol.Grpc ? "grpc" : "http/protobuf",
            [Endpoint] = options.Endpoint?.ToString(),
            ["OTEL_EXPORTER_OTLP_HEADERS"] = options.Headers,
        };
        foreach (DictionaryEntry variable in environment)
        {
            if (variable is { Key: string name, Value: string { Length: > 0 } value } && name.StartsWith(Prefix, StringComparison.Ordinal))
            {
                settings[name] = value;
            }
        }

        var isOff = string.Equals(settings.GetValueOrDefault("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase);
        return isOff || Endpoints.All(name => settings.GetValueOrDefault(name) is null) ? null : settings.Where(static s => s.Value is not null).ToDictionary();
    }

    private static void AddProviders(IServiceCollection services, OtlpOptions options)
    {
        var telemetry = services.AddOpenTelemetry().ConfigureResource(resource => resource.AddAttributes([new("service.version", GatewayVersion.Number), new("service.instance.id", Guid.NewGuid().ToString())]));
        telemetry.UseOtlpExporter();
        telemetry.WithLogging(null, static logs => logs.IncludeFormattedMessage = true);
        if (options.Metrics)
        {
            telemetry.WithMetrics(static metrics => metrics.AddMeter([.. MetricStore.Meters, "System.Runtime"]));
        }

        if (options.Traces)
        {
            telemetry.WithTracing(static traces => traces.AddSource(RequestSpans.Name, PoolMeasureNames.Source));
        }
    }
}
