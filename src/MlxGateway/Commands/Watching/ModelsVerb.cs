using System.CommandLine;
using System.Text.Json;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Watching;

/// <summary><c>models</c>: what can be asked for.</summary>
internal static class ModelsVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools) => tools.Calling("models", "Lists all models, where each stands, and whether it fits into memory now", async (gateway, parse, cancellationToken) =>
    {
        var models = await gateway.GetAsync("/v1/models", cancellationToken);
        if (parse.GetValue(CallOptions.Json))
        {
            return tools.Pass(models);
        }

        Write(tools.Terminal, models.Json);
        return Exits.Done;
    });

    /// <summary>Writes the table.</summary>
    internal static void Write(Terminal terminal, JsonElement models)
    {
        var table = new TextTable(new("Model"), new("State"), new("Fit", 2), new("Context", 1, true), new("Memory", 3, true), new("Can", 5), new("Runner", 4), new("Weights", 6), new("Aliases", 7));
        foreach (var model in models.Entries("data"))
        {
            var fit = model.At("fit");
            table.Add(
                model.Text("id"),
                States.Cell(model.At("status")?.Text("value")),
                States.Cell(fit?.Text("value")),
                model.Count("context_window") is { } context ? Spans.Of(context) : null,
                fit?.Size("required_bytes")?.ToString(),
                Listed(model.Texts("capabilities").Where(static c => c != "completion")),
                model.Text("runner"),
                model.Text("quantization"),
                Listed(model.Texts("aliases")));
        }

        if (table.Count == 0)
        {
            terminal.Out.WriteLine("There is no model here. Find one with: MlxGateway search TEXT");
            return;
        }

        table.Write(terminal);
    }

    private static string? Listed(IEnumerable<string> words) => string.Join(' ', words) is { Length: > 0 } listed ? listed : null;
}
