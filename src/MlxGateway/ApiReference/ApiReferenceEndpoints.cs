using System.Text.Json;
using Microsoft.OpenApi;
using MlxGateway.ApiReference;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace Microsoft.AspNetCore.Builder;

/// <summary>The description of the API, for people (<c>/swagger</c>) and programs (<c>/swagger/v1/swagger.json</c>).</summary>
internal static class ApiReferenceEndpoints
{
    private const string Bearer = "bearer";
    private const string Header = "x-api-key";

    /// <summary>Registers the room.</summary>
    public static IServiceCollection AddApiReference(this IServiceCollection services) => services
        .AddSingleton<ISerializerDataContractResolver>(new JsonSerializerDataContractResolver(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower })) // as the answers are written
        .AddEndpointsApiExplorer()
        .AddSwaggerGen(static swagger =>
        {
            swagger.SwaggerDoc("v1", new OpenApiInfo
            {
                Title = "MlxGateway",
                Version = "v1",
                Description = "One port in front of every local model. Requests are OpenAI's; errors have OpenAI's shape and say why, with numbers.",
            });
            swagger.AddSecurityDefinition(Bearer, new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "An API key, where the gateway wants one." });
            swagger.AddSecurityDefinition(Header, new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = Header, Description = "The same key, as Anthropic's clients send it." });

            // Either of them will do.
            swagger.AddSecurityRequirement(static document => new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Bearer, document)] = [] });
            swagger.AddSecurityRequirement(static document => new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Header, document)] = [] });
            swagger.SchemaFilter<NullableAnswers>();
            swagger.IncludeXmlComments(typeof(ApiReferenceEndpoints).Assembly);
            swagger.OperationFilter<InferenceOperations>();
            swagger.OperationFilter<ErrorAnswers>();
            swagger.OperationFilter<DescribedOperations>(); // behind it: an example needs the answer that it is one of
            swagger.DocumentFilter<UpstreamOperations>();
        });

    /// <summary>Maps the description and its page, and sends a person who comes to the root there.</summary>
    public static void MapApiReference(this WebApplication app)
    {
        app.MapSwagger();

        // On a branch of its own: as a part of the main line it would look at the path of every request.
        app.UseWhen(static context => context.Request.Path.StartsWithSegments("/swagger", StringComparison.Ordinal), static branch => branch.UseSwaggerUI(static page =>
        {
            page.SwaggerEndpoint("/swagger/v1/swagger.json", "MlxGateway");
            page.DocumentTitle = "MlxGateway";
        }));
        app.MapGet("/", static () => Results.Redirect("/swagger/index.html")).ExcludeFromDescription();
    }
}
