using MlxGateway.Inference.Describing;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace MlxGateway.Mcp.Protocol;

/// <summary>Some tools that belong together.</summary>
internal interface IToolGroup
{
    /// <summary>The tools.</summary>
    IEnumerable<McpServerTool> Tools { get; }
}

/// <summary>All tools, and what the server says of itself. Made when the first agent comes: their schemas take some milliseconds.</summary>
internal sealed class ToolShelf(IEnumerable<IToolGroup> groups, ILoggerFactory loggers)
{
    private const string Instructions =
        "This server steers a gateway that serves local language models and swaps them in memory. list_models says what is here and what would fit; recommend_model what to use for a task. "
        + "launch_llm_server serves one model on a port of its own, where any OpenAI client finds it at http://127.0.0.1:PORT/v1. explain says why something waits or had to leave.";

    private readonly Lock _lock = new();
    private McpServerOptions? _options;

    /// <summary>What every server of this process is made with.</summary>
    public McpServerOptions Options
    {
        get
        {
            lock (_lock)
            {
                return _options ??= Make();
            }
        }
    }

    private McpServerOptions Make()
    {
        var log = loggers.CreateLogger(typeof(ToolShelf).FullName!);
        var tools = new McpServerPrimitiveCollection<McpServerTool>();
        foreach (var tool in groups.SelectMany(static g => g.Tools))
        {
            tools.Add(tool);
            (tool as ILogsFaults)?.LogTo(log);
        }

        return new McpServerOptions
        {
            ServerInfo = new Implementation
            {
                Name = "mlxgateway",
                Title = "MlxGateway",
                Version = GatewayVersion.Number,
            },
            ServerInstructions = Instructions,
            ScopeRequests = false,
            ToolCollection = tools,
        };
    }
}
