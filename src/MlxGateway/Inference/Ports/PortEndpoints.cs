using MlxGateway.Inference.Ports;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Ports on which single models are served.</summary>
internal static class PortEndpoints
{
    /// <summary>Registers them.</summary>
    /// <param name="services">The services.</param>
    /// <param name="stateFolder">The folder of what is to be remembered.</param>
    public static IServiceCollection AddModelPorts(this IServiceCollection services, string stateFolder) => services
        .AddSingleton<PortListener>()
        .AddSingleton<Microsoft.AspNetCore.Connections.IConnectionListenerFactory>(static all => all.GetRequiredService<PortListener>())
        .AddSingleton(new PortFile(stateFolder))
        .AddSingleton<ModelPorts>()
        .AddHostedService<PortKeeper>();

    /// <summary>Refuses what a port does not offer. Behind access: whoever may not come in is told nothing.</summary>
    public static IApplicationBuilder UseModelPorts(this IApplicationBuilder app) => app.UseMiddleware<PortGate>();
}
