using System.CommandLine;
using System.Text.Json;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Watching;

/// <summary><c>ps</c>: who is in memory.</summary>
internal static class PsVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools) => tools.Calling("ps", "Lists the models that are in memory, or on their way in or out", async (gateway, parse, cancellationToken) =>
    {
        var running = await gateway.GetAsync("/running", cancellationToken);
        if (parse.GetValue(CallOptions.Json))
        {
            return tools.Pass(running);
        }

        var explained = await gateway.GetAsync("/api/explain", cancellationToken);
        Write(tools.Terminal, running.Json, explained.Json);
        return Exits.Done;
    });

    /// <summary>Writes the table.</summary>
    internal static void Write(Terminal terminal, JsonElement running, JsonElement explained)
    {
        var at = explained.Time("at") ?? default;
        var known = explained.Entries("resident").Where(static r => r.Text("model") is not null).ToLookup(static r => r.Text("model")!);
        var table = new TextTable(new("Model"), new("State"), new("For"), new("Memory", 1, true), new("Serving", 0, true), new("Waiting", 2, true), new("Runner", 4), new("Pid", 3, true), new("Port", 5, true));
        foreach (var model in running.Entries("running"))
        {
            var more = known[model.Text("model") ?? ""].FirstOrDefault();
            table.Add(
                model.Text("model"),
                States.Cell(model.Text("state")),
                model.Time("since") is { } since ? Spans.Of(at - since) : null,
                more.Size("planned_bytes")?.ToString(),
                Count(model, "leases"),
                Count(model, "waiting"),
                model.Text("runner"),
                Count(model, "pid"),
                Count(model, "port"));
        }

        if (table.Count == 0)
        {
            terminal.Out.WriteLine("No model is in memory. The first request loads one, or: MlxGateway load ID");
            return;
        }

        table.Write(terminal);
    }

    private static string? Count(JsonElement json, string name) => json.Count(name)?.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
