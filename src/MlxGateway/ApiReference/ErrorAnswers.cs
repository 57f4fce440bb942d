using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using MlxGateway.Inference;
using MlxGateway.Inference.Describing;
using Swashbuckle.AspNetCore.SwaggerGen;

namespace MlxGateway.ApiReference;

/// <summary>Describes the errors, which have the same shape on every route.</summary>
internal sealed class ErrorAnswers : IOperationFilter
{
    private static readonly (string Status, string Code, string When)[] OfInference =
    [
        ("400", "invalid_request", "The body is not what the API takes, the model can never fit (`insufficient_memory`), its runner breaks at this request (`request_breaks_runner`), or the model is not in memory and `?autoload=false` says not to load it (`model_not_loaded`)"),
        ("404", "model_not_found", "No such model, or its files are not here (`model_files_missing`)"),
        ("413", "request_too_large", "The body is larger than `Limits:RequestBody`"),
        ("429", "queue_full", "Too many requests wait; `Retry-After` says when to come back"),
        ("502", "runner_failed", "The runner broke before it answered"),
        ("503", "model_loading", "Not now: still loading, `insufficient_memory_now`, `model_launch_failed` or `shutting_down`; `Retry-After` says when to come back"),
    ];

    private static readonly OpenApiSchema Shape = new()
    {
        Type = JsonSchemaType.Object,
        Required = new HashSet<string> { "error" },
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["error"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Required = new HashSet<string> { "message", "type", "param", "code" },
                Properties = new Dictionary<string, IOpenApiSchema>
                {
                    ["message"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "What happened and what can be done, for a person." },
                    ["type"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "OpenAI's class of the error: `invalid_request_error`, `authentication_error` (401), `rate_limit_error` (429) or `server_error` (5xx)." },
                    ["param"] = new OpenApiSchema { Type = JsonSchemaType.String | JsonSchemaType.Null, Description = "The field of the request that is wrong, if one is." },
                    ["code"] = new OpenApiSchema { Type = JsonSchemaType.String, Description = "The stable name of the case." },
                },
            },
        },
    };

    /// <inheritdoc/>
    public void Apply(OpenApiOperation operation, OperationFilterContext context)
    {
        operation.Responses ??= [];
        var metadata = context.ApiDescription.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<InferenceRoute>().FirstOrDefault() is { } route)
        {
            foreach (var (status, code, when) in OfInference.Where(one => one.Status != "413" || route.Form != RequestForm.Query))
            {
                operation.Responses[status] = Error(status, when, code);
            }
        }
        else if (context.ApiDescription.RelativePath?.Contains('{', StringComparison.Ordinal) == true)
        {
            operation.Responses["404"] = Error("404", "No such model", "model_not_found");
        }

        foreach (var fault in metadata.OfType<ErrorCase>())
        {
            var status = fault.Status.ToString(CultureInfo.InvariantCulture);
            operation.Responses[status] = Error(status, fault.When, fault.Code);
        }

        if (context.ApiDescription.RelativePath == "health")
        {
            operation.Security = []; // whoever watches over the process has no key
        }
        else
        {
            operation.Responses["401"] = Error("401", "Keys are wanted, and none was sent that is known", "invalid_api_key");
            operation.Responses["403"] = Error("403", operation.Responses.GetValueOrDefault("403")?.Description is { } other ? $"{other}; or the key, or a web page, may not do this" : "The key, or a web page (`forbidden_origin`), may not do this", "insufficient_scope");
        }
    }

    /// <summary>An error, as every route answers it.</summary>
    /// <param name="status">Its HTTP status.</param>
    /// <param name="when">When it is answered.</param>
    /// <param name="code">The stable name of the case.</param>
    public static OpenApiResponse Error(string status, string when, string code)
    {
        var error = new GatewayError(int.Parse(status, CultureInfo.InvariantCulture), code, when);
        var example = new JsonObject { ["error"] = new JsonObject { ["message"] = error.Message, ["type"] = error.Type, ["param"] = null, ["code"] = error.Code } };
        return new() { Description = when, Content = new Dictionary<string, OpenApiMediaType> { ["application/json"] = new() { Schema = Shape, Example = example } } };
    }
}
