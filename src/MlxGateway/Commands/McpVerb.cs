using System.CommandLine;

namespace MlxGateway.Commands;

/// <summary><c>mcp</c>: nothing but protocol goes over standard output.</summary>
internal static class McpVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools) => tools.Plain(
        "mcp",
        "Serves agents by the Model Context Protocol over standard input and output, with the running gateway or one that it starts",
        async (parse, cancellationToken) =>
        {
            if (tools.House.Mcp is not { } relay)
            {
                return tools.Fail(Exits.Usage, "This build has no MCP.");
            }

            var address = tools.AddressOf(parse);
            return await relay(
                address,
                tools.KeyOf(parse),
                token => address.IsLoopback ? GatewayStart.StartAsync(address, Switches(parse, address), tools.Time, token) : throw new CommandFailure(Exits.NoGateway, $"No gateway answers at {address}, and one on another machine cannot be started from here."),
                cancellationToken);
        },
        CallOptions.Url,
        CallOptions.Key,
        CallOptions.Config,
        CallOptions.Port);

    // An address that was named in another way than by the configuration is where the new one has to listen.
    private static string[] Switches(ParseResult parse, Uri address) =>
        [.. CallOptions.Switches(parse), .. parse.GetValue(CallOptions.Port) is null ? (string[])["--port", address.Port.ToString(System.Globalization.CultureInfo.InvariantCulture)] : []];
}
