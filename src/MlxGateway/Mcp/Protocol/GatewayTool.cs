using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MlxGateway.Inference;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace MlxGateway.Mcp.Protocol;

/// <summary>What may be written to the log of the room.</summary>
internal interface ILogsFaults
{
    /// <summary>Where faults go.</summary>
    void LogTo(ILogger logger);
}

/// <summary>One tool: typed arguments in, a typed result out. What goes wrong is a result too, which says what to do; only what the protocol itself forbids is an error of the protocol.</summary>
internal sealed partial class GatewayTool<TInput, TOutput> : McpServerTool, ILogsFaults
    where TInput : class
    where TOutput : class
{
    private readonly Func<TInput, ToolCall, CancellationToken, Task<TOutput>> _run;
    private readonly JsonTypeInfo<TInput> _input = ToolJson.TypeOf<TInput>();
    private readonly JsonTypeInfo<TOutput> _output = ToolJson.TypeOf<TOutput>();
    private ILogger? _logger;

    /// <param name="name">Its name.</param>
    /// <param name="title">Its name for people.</param>
    /// <param name="description">What it does, for an agent that chooses.</param>
    /// <param name="effect">What it may do to the world.</param>
    /// <param name="run">Does it.</param>
    public GatewayTool(string name, string title, string description, ToolEffect effect, Func<TInput, ToolCall, CancellationToken, Task<TOutput>> run)
    {
        _run = run;
        ProtocolTool = new Tool
        {
            Name = name,
            Title = title,
            Description = description,
            InputSchema = ToolSchema.Of(_input),
            OutputSchema = ToolSchema.Of(_output),
            Annotations = new ToolAnnotations
            {
                Title = title,
                ReadOnlyHint = effect.HasFlag(ToolEffect.ReadOnly),
                DestructiveHint = effect.HasFlag(ToolEffect.Destructive),
                IdempotentHint = effect.HasFlag(ToolEffect.Idempotent),
                OpenWorldHint = effect.HasFlag(ToolEffect.OpenWorld),
            },
        };
    }

    /// <inheritdoc/>
    public override Tool ProtocolTool { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<object> Metadata => [];

    /// <inheritdoc/>
    public void LogTo(ILogger logger) => _logger = logger;

    /// <inheritdoc/>
    public override async ValueTask<CallToolResult> InvokeAsync(RequestContext<CallToolRequestParams> request, CancellationToken cancellationToken = default)
    {
        var call = new ToolCall(request.Items.TryGetValue(McpEndpoint.CallerItem, out var caller) ? caller as ICaller : null, request.Server, request.Params.ProgressToken);
        if (ProtocolTool.Annotations is not { ReadOnlyHint: true } && call.Caller is { MaySteer: false })
        {
            return Failed($"The key '{call.Caller.Name}' may look and not steer: {ProtocolTool.Name} needs one with the scope admin.");
        }

        try
        {
            var result = await _run(Read(request.Params.Arguments), call, cancellationToken);
            return new CallToolResult
            {
                StructuredContent = JsonSerializer.SerializeToElement(result, _output),
                Content = [new TextContentBlock { Text = JsonSerializer.Serialize(result, _output) }],
            };
        }
        catch (ToolFailedException failed)
        {
            return Failed(failed.Message, failed.Advice);
        }
        catch (Exception fault) when (!cancellationToken.IsCancellationRequested)
        {
            if (_logger is not null)
            {
                Log.Fault(_logger, ProtocolTool.Name, fault);
            }

            return Failed($"{ProtocolTool.Name} met a fault of the gateway's own: {fault.Message}. Its log says more.");
        }
    }

    private TInput Read(IDictionary<string, JsonElement>? arguments)
    {
        arguments ??= new Dictionary<string, JsonElement>();
        try
        {
            return JsonSerializer.SerializeToElement(arguments, ToolJson.TypeOf<IDictionary<string, JsonElement>>()).Deserialize(_input)!;
        }
        catch (JsonException wrong)
        {
            throw new ToolFailedException($"These are not the arguments of {ProtocolTool.Name}: {WhatIsWrong(arguments, wrong)}. It takes {Parameters()}.");
        }
    }

    // The serializer's own sentences name types of this program.
    private string WhatIsWrong(IDictionary<string, JsonElement> arguments, JsonException wrong)
    {
        var known = _input.Properties.ToDictionary(static p => p.Name, StringComparer.Ordinal);
        if (arguments.Keys.FirstOrDefault(name => !known.ContainsKey(name)) is { } foreign)
        {
            return $"'{foreign}' is none of them";
        }

        if (known.Values.FirstOrDefault(p => p.IsRequired && !arguments.ContainsKey(p.Name)) is { } missing)
        {
            return $"{missing.Name} is missing";
        }

        if (known.Values.FirstOrDefault(p => p.IsRequired && arguments[p.Name].ValueKind == JsonValueKind.Null) is { } nothing)
        {
            return $"{nothing.Name} is null";
        }

        var name = wrong.Path?.TrimStart('$', '.') ?? "";
        return known.ContainsKey(name) ? $"{name} is not {KindOf(name)}" : "they cannot be read";
    }

    private string KindOf(string name) => ProtocolTool.InputSchema.GetProperty("properties").GetProperty(name).GetProperty("type").ToString() switch
    {
        "integer" => "a whole number",
        "number" => "a number",
        _ => "a text",
    };

    private string Parameters()
    {
        string[] names = [.. _input.Properties.Select(static p => p.IsRequired ? p.Name : $"{p.Name} (optional)")];
        return names.Length == 0 ? "none" : string.Join(", ", names);
    }

    private static CallToolResult Failed(params string?[] sentences) => new() { IsError = true, Content = [.. sentences.OfType<string>().Select(static s => new TextContentBlock { Text = s })] };

    private static partial class Log
    {
        [LoggerMessage(8001, LogLevel.Error, "The tool {Tool} met a fault of the gateway.")]
        public static partial void Fault(ILogger logger, string tool, Exception fault);
    }
}
