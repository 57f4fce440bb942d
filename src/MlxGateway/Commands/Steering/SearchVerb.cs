using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Steering;

/// <summary><c>search</c>: models of the hub.</summary>
internal static class SearchVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools)
    {
        var text = new Argument<string[]>("TEXT") { Description = "Words of the model's name", Arity = ArgumentArity.OneOrMore };
        var limit = new Option<int>("--limit", "-n") { Description = "How many at most, 20 by default", HelpName = "N", DefaultValueFactory = static _ => 20, CustomParser = WholeNumber.Of("--limit", 100) };
        return tools.Calling(
            "search",
            "Looks for models on the hub, with their size, and says which run here",
            async (gateway, parse, cancellationToken) =>
            {
                var query = Uri.EscapeDataString(string.Join(' ', parse.GetValue(text)!));
                var found = await gateway.GetAsync($"/api/hub/search?q={query}&limit={parse.GetValue(limit).ToString(CultureInfo.InvariantCulture)}", cancellationToken);
                if (parse.GetValue(CallOptions.Json))
                {
                    return tools.Pass(found);
                }

                Write(tools.Terminal, found.Json);
                return Exits.Done;
            },
            text,
            limit);
    }

    /// <summary>Writes the table.</summary>
    internal static void Write(Terminal terminal, JsonElement found)
    {
        var table = new TextTable(new("Model"), new("Size", 0, true), new("Runs here"), new("Downloads", 2, true), new("Likes", 3, true), new("Why", 1));
        foreach (var model in found.Entries("models"))
        {
            table.Add(
                model.Text("id"),
                model.Size("size_bytes")?.ToString(),
                model.At("runs_here") is null ? new Cell("unknown", Tone.Dim) : model.Is("runs_here") ? new Cell("yes", Tone.Good) : new Cell("no", Tone.Bad),
                model.Count("downloads") is { } downloads ? Spans.Of(downloads) : null,
                model.Count("likes") is { } likes ? Spans.Of(likes) : null,
                model.Text("why"));
        }

        if (table.Count == 0)
        {
            terminal.Out.WriteLine("Nothing of that name was found.");
            return;
        }

        table.Write(terminal);
    }
}
