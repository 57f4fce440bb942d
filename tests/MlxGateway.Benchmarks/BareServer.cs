using System.Net;

namespace MlxGateway.Benchmarks;

/// <summary>An HTTP server with nothing in it: no log, no configuration, no limit on bodies.</summary>
internal static class BareServer
{
    /// <summary>Builds one that will listen on 127.0.0.1.</summary>
    public static WebApplication Build(int port, Action<IServiceCollection>? services = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, port);
        });
        services?.Invoke(builder.Services);
        return builder.Build();
    }
}
