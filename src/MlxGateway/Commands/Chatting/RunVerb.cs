using System.CommandLine;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Chatting;

/// <summary><c>run</c>: a chat in the terminal, or one answer for a script.</summary>
internal static class RunVerb
{
    private const string Help = "/clear forgets the conversation, /bye (or Ctrl+D) ends it, \"\"\" begins and ends a text of several lines.";

    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools)
    {
        var id = ModelArgument.One(tools);
        var words = new Argument<string[]>("PROMPT") { Description = "What to answer; what is piped in comes behind it. Without either it is a chat", Arity = ArgumentArity.ZeroOrMore };
        var system = new Option<string?>("--system") { Description = "The model's instructions", HelpName = "TEXT" };
        return tools.Calling(
            "run",
            "Chats with a model in the terminal, or answers one prompt. Ctrl+C ends the answer, twice ends the program",
            async (gateway, parse, cancellationToken) =>
            {
                var chat = new Conversation(parse.GetValue(id)!, parse.GetValue(system));
                var prompt = string.Join(' ', parse.GetValue(words) ?? []);
                if (!tools.Terminal.IsInputTerminal)
                {
                    var piped = (await tools.Terminal.In.ReadToEndAsync(cancellationToken)).TrimEnd();
                    prompt = string.Join("\n\n", new[] { prompt, piped }.Where(static text => text.Length > 0));
                }

                if (parse.GetValue(CallOptions.Json))
                {
                    chat.Ask(prompt);
                    return prompt.Length == 0
                        ? tools.Fail(Exits.Usage, "With --json there must be a prompt.")
                        : tools.Pass(await gateway.PostAsync("/v1/chat/completions", chat.Body(isStreamed: false), cancellationToken));
                }

                using var interrupts = new Interrupts();
                if (prompt.Length > 0)
                {
                    chat.Ask(prompt);
                    return await new AnswerWriter(tools.Terminal, gateway, interrupts).WriteAsync(chat) is null ? Exits.Interrupted : Exits.Done;
                }

                return tools.Terminal.IsInputTerminal ? await ChatAsync(tools.Terminal, gateway, chat, interrupts) : tools.Fail(Exits.Usage, "There is no prompt: write one behind the model, or pipe one in.");
            },
            id,
            words,
            system);
    }

    /// <summary>Question and answer in turns, until the person has had enough.</summary>
    internal static async Task<int> ChatAsync(Terminal terminal, GatewayClient gateway, Conversation chat, Interrupts interrupts)
    {
        var writer = new AnswerWriter(terminal, gateway, interrupts);
        terminal.Error.WriteLine(terminal.Dim(Help));
        while (Read(terminal) is { } text)
        {
            switch (text.Trim())
            {
                case "": continue;
                case "/bye" or "/exit" or "/quit": return Exits.Done;
                case "/clear": chat.Clear(); continue;
                case "/help" or "/?": terminal.Error.WriteLine(Help); continue;
            }

            chat.Ask(text);
            try
            {
                chat.Settle(await writer.WriteAsync(chat));
            }
            catch (CommandFailure failure) when (failure.ExitCode == Exits.Refused)
            {
                // The next question may fare better: a model that is loading, a context that was too long.
                terminal.Error.WriteLine(Terminal.Clean(failure.Message));
                chat.Settle(null);
            }
        }

        terminal.Out.WriteLine();
        return Exits.Done;
    }

    private static string? Read(Terminal terminal)
    {
        const string Fence = "\"\"\"";
        terminal.Error.Write("> ");
        terminal.Error.Flush();
        var line = terminal.In.ReadLine();
        if (line is null || !line.TrimStart().StartsWith(Fence, StringComparison.Ordinal))
        {
            return line;
        }

        var lines = new List<string> { line.TrimStart()[Fence.Length..] };
        while (!lines[^1].EndsWith(Fence, StringComparison.Ordinal))
        {
            if (terminal.In.ReadLine() is not { } more)
            {
                return string.Join('\n', lines);
            }

            lines.Add(more);
        }

        lines[^1] = lines[^1][..^Fence.Length];
        return string.Join('\n', lines).Trim('\n');
    }
}
