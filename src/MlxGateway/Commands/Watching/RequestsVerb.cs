using System.CommandLine;
using System.Text.Json;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Watching;

/// <summary><c>requests</c>: what is being served.</summary>
internal static class RequestsVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools) => tools.Calling("requests", "Lists the requests that are being served, the oldest first", async (gateway, parse, cancellationToken) =>
    {
        var requests = await gateway.GetAsync("/api/requests", cancellationToken);
        if (parse.GetValue(CallOptions.Json))
        {
            return tools.Pass(requests);
        }

        Write(tools.Terminal, requests.Json);
        return Exits.Done;
    });

    /// <summary>Writes the table.</summary>
    internal static void Write(Terminal terminal, JsonElement requests)
    {
        var table = new TextTable(new("Request"), new("Model"), new("State"), new("For", 0, true), new("Route", 1), new("Stream", 2));
        foreach (var request in requests.Entries("requests"))
        {
            table.Add(
                request.Text("id"),
                request.Text("model"),
                States.Cell(request.Text("state")),
                request.Seconds("elapsed_seconds") is { } elapsed ? Spans.Of(elapsed) : null,
                request.Text("route"),
                request.Is("stream") ? "yes" : "no");
        }

        if (table.Count == 0)
        {
            terminal.Out.WriteLine("No request is being served.");
            return;
        }

        table.Write(terminal);
    }
}
