using System.Net;
using Yarp.ReverseProxy.Forwarder;

namespace MlxGateway.Benchmarks;

/// <summary>The yardstick: YARP's direct forwarding and nothing else. Whatever the gateway does besides costs what it is slower than this.</summary>
internal static class Forwarder
{
    /// <summary>Serves on 127.0.0.1 until it is killed.</summary>
    public static async Task<int> RunAsync(Arguments arguments)
    {
        var upstream = arguments.Text("upstream") ?? throw new FormatException("--upstream is missing");
        var port = arguments.Number("port", 0);
        arguments.NoMore();
        using var client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            EnableMultipleHttp2Connections = true,
            ActivityHeadersPropagator = null,
        });
        await using var app = BareServer.Build(port, services => services.AddHttpForwarder());
        var forwarder = app.Services.GetRequiredService<IHttpForwarder>();
        app.Run(async context => await forwarder.SendAsync(context, upstream, client, ForwarderRequestConfig.Empty, HttpTransformer.Default));
        await app.RunAsync();
        return 0;
    }
}
