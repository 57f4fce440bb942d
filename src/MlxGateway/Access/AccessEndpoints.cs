using MlxGateway.Access;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Who may use the gateway.</summary>
internal static class AccessEndpoints
{
    /// <summary>Registers the room.</summary>
    /// <param name="services">The services.</param>
    /// <param name="allowedHosts">The setting <c>AllowedHosts</c>: names separated by semicolons.</param>
    /// <param name="network">Whether other machines may connect.</param>
    public static IServiceCollection AddAccess(this IServiceCollection services, string? allowedHosts, bool network) =>
        services.AddSingleton(new HostPolicy((allowedHosts ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries), Environment.MachineName, network));

    /// <summary>Refuses what may not come in. Behind the error shape and the request ids, before everything else.</summary>
    public static IApplicationBuilder UseAccess(this IApplicationBuilder app) => app.UseMiddleware<AccessControl>();
}
