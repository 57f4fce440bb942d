using System.Net;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.Win32.SafeHandles;

namespace MlxGateway.DemoRunner;

/// <summary>The life of the process: load, listen, serve, end.</summary>
internal static class Runner
{
    private const int PortTaken = 1;
    private const int StandardError = 2;

    /// <summary>Runs until SIGTERM or SIGINT.</summary>
    /// <returns>The exit code: 0 when told to stop, 1 if the port is taken, or what <c>--exit-at-start</c> says.</returns>
    public static async Task<int> RunAsync(RunnerOptions options, TimeProvider time)
    {
        var log = new RequestLog();
        StartNuisances(options, log);
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => OnSignal(signal, options.IgnoreSigterm, stop));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => OnSignal(signal, ignored: false, stop));

        var loading = new Loading(options, time);
        var load = Task.Run(() => loading.RunAsync(CancellationToken.None));
        // Without a load time it is ready when the port opens, so that whoever sees the port can use it.
        if (options.ListenLate || options.ExitAtStart is not null || (options.LoadTime == TimeSpan.Zero && options.LoadUntil is null && !options.NeverReady))
        {
            await Task.WhenAny(load, stop.Task);
            if (stop.Task.IsCompleted)
            {
                return 0;
            }
        }

        if (options.ExitAtStart is { } code)
        {
            Console.Error.WriteLine("error: the model could not be loaded, as was asked for");
            return code;
        }

        await using var app = Build(options, new Endpoints(options, loading, log, time));
        try
        {
            await app.StartAsync();
        }
        catch (IOException error) when (error.InnerException is AddressInUseException)
        {
            Console.Error.WriteLine($"error: port {options.Port} is taken");
            return PortTaken;
        }

        Console.Out.WriteLine($"listening on {app.Urls.First()}");
        await stop.Task;
        if (options.FinishOnSigterm)
        {
            await app.StopAsync(CancellationToken.None);
        }

        // Most engines drop what they are doing when they are told to go. Disposing would wait for it.
        Environment.Exit(0);
        return 0;
    }

    private static WebApplication Build(RunnerOptions options, Endpoints endpoints)
    {
        // The empty builder reads no configuration, watches no files and writes no log.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            // A client may read or write as slowly as a test wants it to.
            kestrel.Limits.MinRequestBodyDataRate = null;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Listen(IPAddress.Loopback, options.Port);
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan);
        var app = builder.Build();
        app.Run(endpoints.ServeAsync);
        return app;
    }

    private static void StartNuisances(RunnerOptions options, RequestLog log)
    {
        if (options.SpawnChild)
        {
            log.Relatives.Add(Relatives.SpawnChild());
        }

        if (options.SpawnEscaped)
        {
            log.Relatives.Add(Relatives.SpawnEscaped());
        }

        if (options.FloodStderr)
        {
            // A thread of its own: when nobody reads, the write blocks.
            new Thread(Flood) { IsBackground = true }.Start();
        }
    }

    private static void Flood()
    {
        // Past Console, which has one lock for both outputs: once nobody reads this one, the line that names the port would never come.
        using var handle = new SafeFileHandle(StandardError, ownsHandle: false);
        using var output = new FileStream(handle, FileAccess.Write, bufferSize: 0);
        for (var line = 1L; ; line++)
        {
            output.Write(Encoding.UTF8.GetBytes($"line {line}: a runner that has much to say and nothing to tell\n"));
        }
    }

    private static void OnSignal(PosixSignalContext signal, bool ignored, TaskCompletionSource stop)
    {
        signal.Cancel = true;
        if (!ignored)
        {
            stop.TrySetResult();
        }
    }
}
