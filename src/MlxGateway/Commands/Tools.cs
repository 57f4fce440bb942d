using System.CommandLine;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands;

/// <summary>What every command works with.</summary>
/// <param name="House">The rooms that it does not see.</param>
/// <param name="Terminal">Where it writes.</param>
/// <param name="Time">The clock.</param>
/// <param name="Variable">Looks up an environment variable; null if it is not set.</param>
internal sealed record Tools(House House, Terminal Terminal, TimeProvider Time, Func<string, string?> Variable)
{
    /// <summary>A command that talks to the gateway: it has the switches that say where that is.</summary>
    public Command Calling(string name, string sentence, Func<GatewayClient, ParseResult, CancellationToken, Task<int>> act, params IEnumerable<Symbol> symbols)
    {
        var command = Plain(name, sentence, (parse, cancellationToken) => CallAsync(parse, client => act(client, parse, cancellationToken)), symbols);
        CallOptions.AddTo(command);
        return command;
    }

    /// <summary>A command.</summary>
    public Command Plain(string name, string sentence, Func<ParseResult, CancellationToken, Task<int>> act, params IEnumerable<Symbol> symbols)
    {
        var command = new Command(name, sentence);
        foreach (var symbol in symbols)
        {
            switch (symbol)
            {
                case Argument argument: command.Arguments.Add(argument); break;
                case Option option: command.Options.Add(option); break;
                case Command below: command.Subcommands.Add(below); break;
                default: throw new ArgumentException($"A {symbol.GetType().Name} is no part of a command.", nameof(symbols));
            }
        }

        command.SetAction((parse, cancellationToken) => EndWellAsync(() => act(parse, cancellationToken)));
        return command;
    }

    /// <summary>Says a sentence on the standard error, and returns the exit code.</summary>
    public int Fail(int code, string sentence)
    {
        Terminal.Error.WriteLine(Terminal.Clean(sentence));
        return code;
    }

    /// <summary>Writes what the gateway said, unchanged.</summary>
    public int Pass(GatewayReply reply)
    {
        Terminal.Out.WriteLine(reply.Text.TrimEnd());
        return Exits.Done;
    }

    /// <summary>Where the gateway is: as the line says, the environment, the configuration.</summary>
    /// <exception cref="CommandFailure">It cannot be told.</exception>
    public Uri AddressOf(ParseResult parse)
    {
        var switches = CallOptions.Switches(parse);
        if (parse.GetValue(CallOptions.Url) is { } named)
        {
            return GatewayAddress.Parse(named) ?? throw new CommandFailure(Exits.Usage, $"\"{named}\" is not an address; write for example http://127.0.0.1:1234.");
        }

        if (switches.Length == 0 && Variable("MLXGATEWAY_URL") is { Length: > 0 } set)
        {
            return GatewayAddress.Parse(set) ?? throw new CommandFailure(Exits.Usage, $"MLXGATEWAY_URL is \"{set}\", which is not an address; write for example http://127.0.0.1:1234.");
        }

        var place = House.Place(switches);
        return place.Address ?? throw new CommandFailure(Exits.Configuration, string.Join(Environment.NewLine, place.Mistakes));
    }

    /// <summary>The key of the line or the environment.</summary>
    public string? KeyOf(ParseResult parse) => parse.GetValue(CallOptions.Key) ?? (Variable("MLXGATEWAY_API_KEY") is { Length: > 0 } set ? set : null);

    private async Task<int> CallAsync(ParseResult parse, Func<GatewayClient, Task<int>> act)
    {
        using var client = new GatewayClient(AddressOf(parse), KeyOf(parse));
        return await act(client);
    }

    private async Task<int> EndWellAsync(Func<Task<int>> act)
    {
        try
        {
            return await act();
        }
        catch (CommandFailure failure)
        {
            return Fail(failure.ExitCode, failure.Message);
        }
    }
}
