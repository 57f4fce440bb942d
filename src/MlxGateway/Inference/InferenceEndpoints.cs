using Microsoft.Extensions.DependencyInjection.Extensions;
using MlxGateway.Inference;
using MlxGateway.Inference.Answers;
using MlxGateway.Inference.Asking;
using MlxGateway.Inference.Describing;
using MlxGateway.Inference.Downloading;
using MlxGateway.Inference.Listing;
using MlxGateway.Inference.Ports;
using MlxGateway.Inference.Tracing;
using MlxGateway.Supervision.Residency;

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
        services.AddSingleton<RequestsInFlight>();
        services.AddSingleton<Intake>();
        services.AddSingleton<IRequestShaper>(static all => all.GetRequiredService<Intake>()); // nothing is done for what is not let in
        services.AddSingleton<IRequestShaper, OfferedRoutes>();
        services.AddSingleton<IRequestShaper, Instructions>();
        services.AddSingleton<IRequestShaper, EngineRules>();
        services.AddSingleton<IRequestShaper, WithoutForeignParts>();
        services.AddSingleton<UnaskedUsage>();
        services.AddSingleton<IRequestShaper>(static all => all.GetRequiredService<UnaskedUsage>());
        services.AddSingleton<IAnswerFilterSource>(static all => all.GetRequiredService<UnaskedUsage>());
        services.AddSingleton<IAnswerFilterSource, AnswerRewriting>();
        services.AddSingleton<IAnswerFilterSource, ToolCallNaming>();
        services.AddSingleton<IAnswerFilterSource, FinishSaying>();
        services.AddSingleton<IAnswerFilterSource, UsageSaying>(); // behind the finish reason, as the counts are
        services.AddSingleton<IAnswerFilterSource, ResponseIndexing>();
        services.AddSingleton<IAnswerFilterSource, EmbeddingEncoder>();
        services.AddSingleton<AbsentModels>();
        services.TryAddSingleton(static all => new TracePace(0, all.GetRequiredService<TimeProvider>())); // unless whoever exports them has said how many
        services.AddSingleton<InferenceEndpoint>();
        services.AddSingleton<MachineMemory>();
        services.AddSingleton<KnownNeeds>();
        services.AddSingleton<ModelListing>();
        return services;
    }

    /// <summary>Gives every answer that has no body the one error shape. First in the pipeline.</summary>
    public static IApplicationBuilder UseErrorShape(this IApplicationBuilder app) => app.UseMiddleware<UnansweredRequests>();

    /// <summary>Maps the routes.</summary>
    public static void MapInference(this IEndpointRouteBuilder app)
    {
        foreach (var route in InferenceRoute.All)
        {
            var mapped = app.MapMethods(
                    route.Path,
                    [route.Form == RequestForm.Query ? HttpMethods.Get : HttpMethods.Post],
                    route == InferenceRoute.Props ? ServePropsAsync : (HttpContext context, InferenceEndpoint endpoint) => endpoint.ServeAsync(context, route))
                .WithMetadata(route)
                .WithTags("Inference")
                .WithName(route.Path);
            if (route == InferenceRoute.Props)
            {
                mapped.WithMetadata(new AnswerExample(GatewayProps.Example));
            }

            // In HTTP/2 a WebSocket is not asked for with GET. No description of an API knows the method.
            if (route.MayBeWebSocket)
            {
                app.MapMethods(route.Path, [HttpMethods.Connect], (HttpContext context, InferenceEndpoint endpoint) => endpoint.ServeAsync(context, route)).WithMetadata(route).ExcludeFromDescription();
            }
        }

        app.Map(InferenceRoute.Upstream.Path, (HttpContext context, InferenceEndpoint endpoint) => endpoint.ServeAsync(context, InferenceRoute.Upstream)).WithMetadata(InferenceRoute.Upstream).ExcludeFromDescription();

        app.MapGet("/v1/models", (HttpContext context, ModelListing listing, CancellationToken cancellationToken) => listing.ListAsync(ModelPort.CallerOf(context), cancellationToken))
            .WithTags("Models")
            .WithSummary("Lists the models that can be asked for, what each can do and whether it would get into memory now")
            .Answers<ModelListAnswer>($$"""{"object":"list","data":[{{Entry}}}]}""");
        app.MapGet("/v1/models/{**id}", (string id, HttpContext context, ModelListing listing, CancellationToken cancellationToken) => listing.ShowAsync(id, ModelPort.CallerOf(context), cancellationToken))
            .WithTags("Models")
            .WithSummary("Shows all that is known of one model, by its id or an alias")
            .Answers<ModelRecord>(Entry + ""","origin":"configured","source":"/models/qwen3-8b-q4.gguf","missing":null,"pinned":false,"facts":{"use":"chat","architecture":"qwen3","context_window":40960,"has_chat_template":true,"takes_tools":true,"thinks":true,"tensor_bytes":5021732864,"tower_bytes":0,"hidden_size":4096,"feed_forward_size":12288,"attention_heads":32,"vocabulary_size":151936,"cache":{"layers":36,"bytes_per_token":147456,"lasting_bytes_per_token":147456,"state_bytes":0}},"memory":{"required_bytes":13840532111,"reason":"weights 4.68 GB, KV cache 5.63 GB, overhead 2.58 GB","parts":[{"name":"weights","bytes":5021732864},{"name":"KV cache","bytes":6039797760}],"estimate_bytes":13840532111,"observed_bytes":null,"error":null,"shape":{"context":40960,"conversations":1,"cache_format":"f16","prompt_cache_bytes":null,"lowered":null}}}""");
    }

    private const string Entry = """{"id":"qwen","object":"model","created":1795198434,"owned_by":"mlxgateway","name":"qwen","aliases":["gpt-4o-mini"],"loaded":true,"status":{"value":"loaded","since":"2026-11-29T12:00:00Z"},"context_window":40960,"context_length":40960,"max_model_len":40960,"meta":{"n_ctx":40960},"capabilities":["completion","chat","tools"],"architecture":{"input_modalities":["text"],"output_modalities":["text"]},"quantization":"Q4_K_M","parameters":8190735360,"size_bytes":5027783488,"runner":"llama_server","tags":[],"fit":{"value":"loaded","message":"It is in memory and counted with 12.89 GB.","after_swap":false,"required_bytes":13840532111,"budget_bytes":22055305216,"available_bytes":8214773105,"evictable_bytes":0},"info":{"meta":{"description":"Q4_K_M, 12.89 GB, llama_server. In memory.","hidden":false,"capabilities":{"vision":false,"usage":true}}}""";

    // A port of one model is asked as that model's server would be, whether it is named or not.
    private static Task ServePropsAsync(HttpContext context, InferenceEndpoint endpoint, IModelPool pool) =>
        string.IsNullOrEmpty(context.Request.Query["model"]) && ModelPort.Of(context) is null
            ? Results.Json(GatewayProps.Of(pool.Snapshot), ListingJson.Default.GatewayProps).ExecuteAsync(context)
            : endpoint.ServeAsync(context, InferenceRoute.Props);
}
