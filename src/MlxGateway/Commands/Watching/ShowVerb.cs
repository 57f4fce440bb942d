using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Watching;

/// <summary><c>show</c>: all that is known of one model.</summary>
internal static class ShowVerb
{
    private const int Heading = 14;

    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools)
    {
        var id = ModelArgument.One(tools);
        return tools.Calling(
            "show",
            "Says all that is known of a model: where it stands, what it can do, what it takes and why",
            async (gateway, parse, cancellationToken) =>
            {
                var model = await gateway.GetAsync($"/v1/models/{GatewayAddress.PathOf(parse.GetValue(id)!)}", cancellationToken);
                if (parse.GetValue(CallOptions.Json))
                {
                    return tools.Pass(model);
                }

                Write(tools.Terminal, model.Json);
                return Exits.Done;
            },
            id);
    }

    /// <summary>Writes what is known, a line for each thing.</summary>
    internal static void Write(Terminal terminal, JsonElement model)
    {
        terminal.Out.WriteLine(terminal.Bold(Terminal.Clean(model.Text("id") ?? "?")) + (model.Text("name") is { } name && name != model.Text("id") ? $" ({Terminal.Clean(name)})" : ""));
        Say("State", State(model.At("status")));
        Say("Aliases", string.Join(", ", model.Texts("aliases")));
        Say("Can", string.Join(", ", model.Texts("capabilities")));
        Say("Runner", model.Text("runner"));
        Say("Source", model.Text("source"));
        Say("Origin", model.Text("origin"));
        Say("Missing", model.Text("missing"));
        Say("Context", Context(model));
        Say("Weights", Weights(model));
        Say("Fit", model.At("fit")?.Text("message"));
        if (model.At("memory") is { } memory)
        {
            Say("Memory", $"{memory.Size("required_bytes")}: {memory.Text("reason")}");
            Say("Seen", memory.Size("observed_bytes") is { } seen ? $"{seen}{(memory.Number("error") is { } error ? string.Create(CultureInfo.InvariantCulture, $", the estimate was {Math.Abs(error) * 100:0} % too {(error < 0 ? "low" : "high")}") : "")}" : null);
            Say("Lowered", memory.At("shape")?.Text("lowered"));
        }

        Say("Pinned", model.Is("pinned") ? "it never leaves by itself" : null);

        void Say(string heading, string? what)
        {
            if (!string.IsNullOrEmpty(what))
            {
                HelpPage.Hang(terminal, $"  {heading,-(Heading - 4)}", Terminal.Clean(what));
            }
        }
    }

    private static string? State(JsonElement? status) => status is not { } known ? null
        : known.Text("value")
            + (known.Number("progress") is { } progress ? string.Create(CultureInfo.InvariantCulture, $", {progress * 100:0} %") : "")
            + (known.Seconds("eta_seconds") is { } eta ? $", {Spans.Of(eta)} to go" : "")
            + (known.Text("failure") is { } failure ? $": {failure}" : "");

    private static string? Context(JsonElement model) => model.Count("context_window") is not { } context ? null
        : $"{Spans.Of(context)} tokens" + (model.At("facts")?.Count("context_window") is { } made && made != context ? $", made for {Spans.Of(made)}" : "");

    private static string? Weights(JsonElement model) => string.Join(", ", new[]
    {
        model.Text("quantization"),
        model.Count("parameters") is { } parameters ? string.Create(CultureInfo.InvariantCulture, $"{parameters / 1e9:0.0#} billion parameters") : null,
        model.Size("size_bytes") is { } size ? $"{size} on disk" : null,
        model.At("facts")?.Text("architecture"),
    }.OfType<string>());
}
