using MlxGateway.Inference;

namespace Microsoft.AspNetCore.Builder;

/// <summary>The hub: every request whose body names a model, and the list of what can be named.</summary>
internal static class InferenceEndpoints
{
    /// <summary>Registers what serves requests.</summary>
    public static IServiceCollection AddInference(this IServiceCollection services, InferenceSettings settings)
    {
        services.AddHttpForwarder();
        services.AddSingleton(settings);
        services.AddSingleton<RunnerForwarder>();
        services.AddSingleton<SuspectRequests>();
        services.AddSingleton<InferenceEndpoint>();
        return services;
    }

    /// <summary>Gives every answer that has no body the one error shape. First in the pipeline.</summary>
    public static IApplicationBuilder UseErrorShape(this IApplicationBuilder app) => app.UseMiddleware<UnansweredRequests>();

    /// <summary>Maps the routes.</summary>
    public static void MapInference(this IEndpointRouteBuilder app)
    {
        foreach (var route in InferenceRoute.All)
        {
            app.MapPost(route.Path, (HttpContext context, InferenceEndpoint endpoint) => endpoint.ServeAsync(context, route))
                .WithMetadata(route)
                .WithTags("Inference")
                .WithName(route.Path);
        }

        app.MapGet("/v1/models", ModelList.List).WithTags("Models").WithSummary("Lists the models that can be asked for").Produces<ModelListAnswer>();
        app.MapGet("/v1/models/{**id}", ModelList.Show).WithTags("Models").WithSummary("Shows one model, by its id or an alias").Produces<ModelAnswer>();
    }
}
