using System.CommandLine;
using System.Text.Json;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Commands.Connecting;

/// <summary><c>connect</c>: the settings that a client needs, which none finds out by itself.</summary>
internal static class ConnectVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools)
    {
        var client = new Argument<string?>("CLIENT") { Description = "The client; without it they are listed", Arity = ArgumentArity.ZeroOrOne };
        client.CompletionSources.Add([.. Clients.All.Select(static c => c.Name)]);
        var model = new Option<string?>("--model") { Description = "The model; else the one in memory, or the first that can chat", HelpName = "ID" };
        ModelArgument.Named(model, tools);
        var context = new Option<int?>("--context") { Description = "The most tokens of one conversation, where the gateway does not know it, or less is wanted", HelpName = "N", CustomParser = result => WholeNumber.Of("--context", int.MaxValue)(result) };
        var write = new Option<bool>("--write") { Description = "Writes its files: merges the settings into them, and leaves a copy of what was there" };
        var to = new Option<string?>("--to") { Description = "Writes them into this file instead", HelpName = "FILE" };
        var command = tools.Calling(
            "connect",
            "Prints, or writes, the settings by which a client works with the gateway: address, key, model, the context that no client asks for by itself, and more patience",
            (gateway, parse, cancellationToken) =>
            {
                if (parse.GetValue(client) is not { } name)
                {
                    return Task.FromResult(List(tools.Terminal, parse.GetValue(CallOptions.Json)));
                }

                var known = Clients.Find(name) ?? throw new CommandFailure(
                    Exits.Usage,
                    $"\"{name}\" is not known here{(Spelling.Nearest(name, Clients.All.Select(static c => c.Name), 1) is [var near] ? $"; did you mean {near}?" : ".")} MlxGateway connect lists who is. Any other client of OpenAI's: base URL {GatewayAddress.Shown(gateway.Address)}/v1.");
                return ConnectAsync(tools, gateway, known, new Wishes(parse.GetValue(model), parse.GetValue(context), tools.KeyOf(parse), parse.GetValue(write) || parse.GetValue(to) is not null, parse.GetValue(to), parse.GetValue(CallOptions.Json)), cancellationToken);
            },
            client,
            model,
            context,
            write,
            to);
        command.Validators.Add(result =>
        {
            if (result.GetValue(CallOptions.Json) && (result.GetValue(write) || result.GetValue(to) is not null))
            {
                result.AddError("--json says what would be written, and writes nothing: leave it or --write out.");
            }
        });
        return command;
    }

    private static int List(Terminal terminal, bool asJson)
    {
        if (asJson)
        {
            terminal.Out.WriteLine(JsonSerializer.Serialize(Clients.All.Select(static c => c.Name)));
            return Exits.Done;
        }

        var table = new TextTable(new("Client"), new("Is"), new("First message", 1, true), new("Context wanted", 0, true));
        foreach (var client in Clients.All)
        {
            table.Add(client.Name, client.Title, client.FirstMessage is { } size ? Spans.Of(size) : "not seen", client.Comfortable == 0 ? "any" : Spans.Of(client.Comfortable));
        }

        table.Write(terminal);
        return Exits.Done;
    }

    private static async Task<int> ConnectAsync(Tools tools, GatewayClient gateway, Client client, Wishes wishes, CancellationToken cancellationToken)
    {
        var entry = await ModelChoice.MakeAsync(gateway, wishes.Model, cancellationToken);
        var connection = new Connection(GatewayAddress.Shown(gateway.Address), wishes.Key ?? Connection.AnyKey, entry.Text("id")!, wishes.Context ?? (int?)entry.Count("context_window") ?? ModelChoice.AssumedContext);
        var isAssumed = wishes.Context is null && entry.Count("context_window") is null;
        if (wishes.AsJson)
        {
            WriteJson(tools.Terminal, client, connection, isAssumed);
            return Exits.Done;
        }

        var settings = client.Settings(connection);
        if (wishes.Write)
        {
            if (settings.Files.Count == 0)
            {
                return tools.Fail(Exits.Usage, $"{client.Title} has no file that could be written. MlxGateway connect {client.Name} says what to do.");
            }

            var writer = new SettingsWriter(tools.Variable("HOME") ?? Directory.GetCurrentDirectory(), tools.Time);
            foreach (var line in settings.Files.SelectMany(file => writer.Write(file, wishes.To)))
            {
                tools.Terminal.Out.WriteLine(Terminal.Clean(line));
            }
        }

        ConnectPage.Write(tools.Terminal, client, connection, files: !wishes.Write);
        foreach (var warning in ModelChoice.Warnings(client, connection, isAssumed))
        {
            tools.Terminal.Error.WriteLine(tools.Terminal.Warning("Warning: ") + Terminal.Clean(warning));
        }

        return Exits.Done;
    }

    private static void WriteJson(Terminal terminal, Client client, Connection connection, bool isAssumed)
    {
        var settings = client.Settings(connection);
        terminal.Out.WriteLine(JsonSerializer.Serialize(
            new
            {
                client = client.Name,
                model = connection.Model,
                context_window = connection.Context,
                files = settings.Files.Select(static f => new { path = f.Path, text = f.Text }),
                environment = settings.Variables.ToDictionary(static v => v.Name, static v => v.Value),
                code = settings.Code,
                start = settings.Start,
                steps = settings.Steps,
                warnings = ModelChoice.Warnings(client, connection, isAssumed),
            },
            JsonText.Readable));
    }

    private sealed record Wishes(string? Model, int? Context, string? Key, bool Write, string? To, bool AsJson);
}
