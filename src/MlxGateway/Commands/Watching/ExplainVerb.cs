using System.CommandLine;
using System.Text.Json;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Watching;

/// <summary><c>explain</c>: why everything is as it is.</summary>
internal static class ExplainVerb
{
    private const int ShownDecisions = 12;

    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools)
    {
        var id = ModelArgument.AtMostOne(tools, "Only what concerns this model");
        return tools.Calling(
            "explain",
            "Says who is in memory, who waits for what and why, what will happen next, and what was decided lately",
            async (gateway, parse, cancellationToken) =>
            {
                var explained = await gateway.GetAsync("/api/explain", cancellationToken);
                if (parse.GetValue(CallOptions.Json))
                {
                    return tools.Pass(explained);
                }

                var wanted = parse.GetValue(id) is { } named
                    ? (await gateway.GetAsync($"/v1/models/{GatewayAddress.PathOf(named)}", cancellationToken)).Json.Text("id") // it may be an alias
                    : null;
                Write(tools.Terminal, explained.Json, wanted);
                return Exits.Done;
            },
            id);
    }

    /// <summary>Writes it in tables of their own.</summary>
    internal static void Write(Terminal terminal, JsonElement explained, string? wanted)
    {
        var at = explained.Time("at") ?? default;
        HelpPage.Hang(terminal, "", $"Models may use {explained.Size("usable_bytes")} now, and {explained.Size("ceiling_bytes")} at most; those in memory are counted with {explained.Size("planned_bytes")}.");

        var resident = new TextTable(new("Model"), new("State"), new("Memory", 1, true), new("People", 3, true), new("Background", 4, true), new("Idle", 2, true), new("Why"));
        foreach (var model in Of("resident"))
        {
            resident.Add(model.Text("model"), States.Cell(model.Text("state")), model.Size("planned_bytes")?.ToString(), $"{model.Count("people")}", $"{model.Count("background")}", Span(model.Seconds("idle_seconds")), model.Text("why"));
        }

        var waiting = new TextTable(new("Model"), new("People", 1, true), new("Background", 2, true), new("Waited", 0, true), new("Until", 3), new("Why"));
        foreach (var wait in Of("waiting"))
        {
            waiting.Add(wait.Text("model"), $"{wait.Count("people")}", $"{wait.Count("background")}", Span(wait.Seconds("longest_seconds")), wait.Time("until") is { } until ? $"in {Spans.Of(until - at)}" : null, wait.Text("why"));
        }

        var next = new TextTable(new("When"), new("Model"), new("What"));
        foreach (var news in Of("next"))
        {
            next.Add(news.Time("at") is { } when ? $"in {Spans.Of(when - at)}" : null, news.Text("model"), news.Text("what"));
        }

        var decisions = new TextTable(new("When"), new("Model"), new("Decision"), new("For", 1), new("Reason"));
        foreach (var decision in Of("decisions").Take(ShownDecisions))
        {
            decisions.Add(decision.Time("at") is { } when ? $"{Spans.Of(at - when)} ago" : null, decision.Text("model"), decision.Text("kind")?.Replace('_', ' '), decision.Text("for"), decision.Text("reason"));
        }

        Section(terminal, "In memory", resident, "No model is in memory.");
        Section(terminal, "Waiting", waiting, "Nobody waits.");
        Section(terminal, "Next", next, "Nothing will happen by itself.");
        Section(terminal, "Decided lately", decisions, "Nothing yet.");

        IEnumerable<JsonElement> Of(string name) => explained.Entries(name).Where(e => wanted is null || e.Text("model") == wanted || e.Text("for") == wanted);
    }

    private static string? Span(TimeSpan? span) => span is { } known ? Spans.Of(known) : null;

    private static void Section(Terminal terminal, string heading, TextTable table, string otherwise)
    {
        terminal.Out.WriteLine();
        terminal.Out.WriteLine(terminal.Bold(heading));
        if (table.Count == 0)
        {
            terminal.Out.WriteLine(otherwise);
            return;
        }

        table.Write(terminal);
    }
}
