namespace MlxGateway.Mcp.Stdio;

/// <summary>Serves agents that start a program and talk with it over its standard input and output.</summary>
internal static class McpStdio
{
    /// <summary>Relays messages between this process and a gateway until the agent closes the input.</summary>
    /// <param name="gateway">Where the gateway is, or would be.</param>
    /// <param name="key">The key that it wants; null: none.</param>
    /// <param name="startGateway">Starts one where none answers, and says where it listens once it does.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(Uri gateway, string? key, Func<CancellationToken, Task<Uri>> startGateway, CancellationToken cancellationToken)
    {
        await using var input = Console.OpenStandardInput();
        await using var output = Console.OpenStandardOutput();

        // Whatever else writes to the console must not get between the messages.
        Console.SetOut(Console.Error);
        using var relay = new StdioRelay(output, gateway, key, startGateway, Console.Error, TimeProvider.System);
        await relay.RunAsync(input, cancellationToken);
        return 0;
    }
}
