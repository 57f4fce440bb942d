using Microsoft.OpenApi;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace MlxGateway.ApiReference;

/// <summary>Describes the way to what else a model's engine serves. It takes every method, which no description of a route has; the two that people try first stand for all.</summary>
internal sealed class UpstreamOperations : IDocumentFilter
{
    /// <inheritdoc/>
    public void Apply(OpenApiDocument swaggerDoc, DocumentFilterContext context) => swaggerDoc.Paths.Add("/upstream/{model}/{path}", new OpenApiPathItem
    {
        Operations = new Dictionary<HttpMethod, OpenApiOperation> { [HttpMethod.Get] = Describe(swaggerDoc, takesBody: false), [HttpMethod.Post] = Describe(swaggerDoc, takesBody: true) },
    });

    private static OpenApiOperation Describe(OpenApiDocument document, bool takesBody) => new()
    {
        Tags = new HashSet<OpenApiTagReference> { new("Inference", document) },
        Summary = "Sends anything to a model's runner, by any method, a WebSocket too, and passes on what it answers as it comes",
        Parameters =
        [
            Parameter("model", "The id or an alias of a model; an id may contain `/`."),
            Parameter("path", "The path at the runner; the query goes with it."),
        ],
        RequestBody = takesBody ? new OpenApiRequestBody { Content = new Dictionary<string, OpenApiMediaType> { ["*/*"] = new() } } : null,
        Responses = new OpenApiResponses
        {
            ["200"] = new OpenApiResponse { Description = "The runner's answer, whatever its status", Content = new Dictionary<string, OpenApiMediaType> { ["*/*"] = new() } },
            ["401"] = ErrorAnswers.Error("401", "Keys are wanted, and none was sent that is known", "invalid_api_key"),
            ["403"] = ErrorAnswers.Error("403", "The key is not good for this, or for this model, or a web page may not do this (`forbidden_origin`)", "model_not_allowed"),
            ["404"] = ErrorAnswers.Error("404", "No such model", "model_not_found"),
            ["413"] = ErrorAnswers.Error("413", "The body is larger than `Limits:Upload`", "request_too_large"),
            ["502"] = ErrorAnswers.Error("502", "The runner broke before it answered", "runner_failed"),
            ["503"] = ErrorAnswers.Error("503", "Not now: still loading, `insufficient_memory_now`, `model_launch_failed` or `shutting_down`; `Retry-After` says when to come back", "model_loading"),
        },
    };

    private static OpenApiParameter Parameter(string name, string meaning) =>
        new() { Name = name, In = ParameterLocation.Path, Required = true, Schema = new OpenApiSchema { Type = JsonSchemaType.String }, Description = meaning };
}
