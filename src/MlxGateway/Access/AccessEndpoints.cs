using MlxGateway.Access;

namespace Microsoft.AspNetCore.Builder;

/// <summary>Who may use the gateway.</summary>
internal static class AccessEndpoints
{
    // What a page may read beside the answer; the names come from the rooms that write them.
    private static readonly string[] ReadableHeaders = ["x-request-id", "Retry-After", "X-MlxGateway-Context", "Mcp-Session-Id"];

    /// <summary>Registers the room.</summary>
    /// <param name="services">The services.</param>
    /// <param name="allowedHosts">The setting <c>AllowedHosts</c>: names separated by semicolons.</param>
    /// <param name="options">The room's own options.</param>
    public static IServiceCollection AddAccess(this IServiceCollection services, string? allowedHosts, AccessOptions options)
    {
        var hosts = new HostPolicy((allowedHosts ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries), Environment.MachineName, options.AllowAnonymousNetwork || options.Keys.Count > 0);
        var origins = new OriginPolicy(hosts, options.AllowedOrigins);
        return services.AddSingleton(hosts).AddSingleton(origins).AddSingleton(new KeyRing(options.Keys)).AddCors(cors => cors.AddDefaultPolicy(policy => policy
            .SetIsOriginAllowed(origins.Allows)
            .AllowAnyHeader()
            .AllowAnyMethod()
            .WithExposedHeaders(ReadableHeaders)
            .SetPreflightMaxAge(TimeSpan.FromMinutes(10))));
    }

    /// <summary>Refuses what may not come in, and tells browsers which pages may read the answers, errors included. Behind the error shape and the request ids, before everything else.</summary>
    public static IApplicationBuilder UseAccess(this IApplicationBuilder app) => app.UseMiddleware<PrivateNetworkAccess>().UseCors().UseMiddleware<AccessControl>().UseMiddleware<KeyControl>();
}
