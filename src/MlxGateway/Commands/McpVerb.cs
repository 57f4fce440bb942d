using System.CommandLine;

namespace MlxGateway.Commands;

/// <summary><c>mcp</c>: nothing but protocol goes over standard output.</summary>
internal static class McpVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools)
    {
        var command = tools.Plain(
            "mcp",
            "Serves agents by the Model Context Protocol over standard input and output, with the running gateway or one that it starts",
            async (parse, cancellationToken) => tools.House.Mcp is { } relay
                ? await relay(tools.AddressOf(parse), tools.KeyOf(parse), _ => Task.FromResult(tools.AddressOf(parse)), cancellationToken)
                : tools.Fail(Exits.Usage, "This build has no MCP."));
        CallOptions.AddTo(command);
        return command;
    }
}
