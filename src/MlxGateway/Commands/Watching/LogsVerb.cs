using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Watching;

/// <summary><c>logs</c>: what was written, and what is being written.</summary>
internal static class LogsVerb
{
    private const string Event = "data: ";

    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools)
    {
        var id = ModelArgument.AtMostOne(tools, "The model whose runner's output is shown; else it is the gateway's log");
        var follow = new Option<bool>("--follow", "-f") { Description = "Shows what is written from now on, until Ctrl+C" };
        var count = new Option<int>("--lines", "-n") { Description = "How many of the last lines, 200 by default", HelpName = "N", DefaultValueFactory = static _ => 200, CustomParser = WholeNumber.Of("--lines", 5000) };
        return tools.Calling(
            "logs",
            "Shows the end of the gateway's log, or of what a model's runner wrote, also if it did not start",
            async (gateway, parse, cancellationToken) =>
            {
                var query = $"?source={Uri.EscapeDataString(parse.GetValue(id) ?? "gateway")}&lines={parse.GetValue(count).ToString(CultureInfo.InvariantCulture)}";
                if (!parse.GetValue(follow))
                {
                    var log = await gateway.GetAsync("/api/logs" + query, cancellationToken);
                    return parse.GetValue(CallOptions.Json) ? tools.Pass(log) : Show(tools.Terminal, log.Json);
                }

                return await FollowAsync(tools.Terminal, gateway, "/api/logs/stream" + query, parse.GetValue(CallOptions.Json), cancellationToken);
            },
            id,
            follow,
            count);
    }

    private static int Show(Terminal terminal, JsonElement log)
    {
        foreach (var line in log.Texts("lines"))
        {
            terminal.Out.WriteLine(Terminal.Clean(line));
        }

        return Exits.Done;
    }

    private static async Task<int> FollowAsync(Terminal terminal, GatewayClient gateway, string path, bool asJson, CancellationToken cancellationToken)
    {
        using var stream = await gateway.OpenAsync(HttpMethod.Get, path, null, cancellationToken);
        await foreach (var line in gateway.LinesAsync(stream, cancellationToken))
        {
            if (!line.StartsWith(Event, StringComparison.Ordinal))
            {
                continue; // a comment says only that the stream lives
            }

            var news = line[Event.Length..];
            await terminal.Out.WriteLineAsync(asJson ? news : Shown(new GatewayReply(news).Json));
            await terminal.Out.FlushAsync(cancellationToken);
        }

        return Exits.Done; // the gateway stopped
    }

    private static string Shown(JsonElement news) => news.Text("line") is { } line ? Terminal.Clean(line) : $"… {news.Count("dropped")} lines were too many to show";
}
