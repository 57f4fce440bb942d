using System.Text.Json;
using MlxGateway.Supervision.Processes;
using MlxGateway.Tests.DemoRunner;
using MlxGateway.Tests.Support;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Xunit;

namespace MlxGateway.Tests.Mcp;

/// <summary>The official client of the protocol, as an agent has it.</summary>
internal sealed class Agent(McpClient client) : IAsyncDisposable
{
    private static readonly PortAllocator Ports = new();

    /// <summary>The client itself.</summary>
    public McpClient Client => client;

    /// <summary>Connects it over HTTP.</summary>
    public static Task<Agent> OverHttpAsync(Gateway gateway, string? key = null) => OverHttpAsync(gateway.Address, key);

    /// <inheritdoc cref="OverHttpAsync(Gateway, string?)"/>
    public static async Task<Agent> OverHttpAsync(Uri address, string? key = null)
    {
        var headers = key is null ? [] : new Dictionary<string, string> { ["Authorization"] = $"Bearer {key}" };
        var transport = new HttpClientTransport(new HttpClientTransportOptions { Endpoint = new Uri(address, "/mcp"), TransportMode = HttpTransportMode.StreamableHttp, AdditionalHeaders = headers });
        return new Agent(await McpClient.CreateAsync(transport, cancellationToken: Demo.Patience()));
    }

    /// <summary>Calls a tool and returns its result, whatever it is.</summary>
    public async Task<CallToolResult> CallAsync(string tool, object? arguments = null, IProgress<ProgressNotificationValue>? progress = null, CancellationToken? cancellationToken = null)
    {
        var given = arguments is null ? null : JsonSerializer.SerializeToElement(arguments).EnumerateObject().ToDictionary(static p => p.Name, static p => (object?)p.Value);
        return await client.CallToolAsync(tool, given, progress, cancellationToken: cancellationToken ?? Demo.Patience());
    }

    /// <summary>Calls a tool that must succeed.</summary>
    public async Task<JsonElement> AskAsync(string tool, object? arguments = null, IProgress<ProgressNotificationValue>? progress = null)
    {
        var result = await CallAsync(tool, arguments, progress);
        Assert.True(result.IsError != true, Text(result));
        return result.StructuredContent!.Value;
    }

    /// <summary>Calls a tool that must fail, and returns what it says.</summary>
    public async Task<string> RefusedAsync(string tool, object? arguments = null)
    {
        var result = await CallAsync(tool, arguments);
        Assert.True(result.IsError, Text(result));
        return Text(result);
    }

    /// <summary>The first thing that a result says.</summary>
    public static string Text(CallToolResult result) => ((TextContentBlock)result.Content[0]).Text;

    /// <summary>A port on which nothing listens, and that no other test gets.</summary>
    public static int FreePort() => Ports.Allocate();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => client.DisposeAsync();
}
