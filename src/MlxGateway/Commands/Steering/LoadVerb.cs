using System.CommandLine;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;
using MlxGateway.Commands.Watching;

namespace MlxGateway.Commands.Steering;

/// <summary><c>load</c>: one model into memory.</summary>
internal static class LoadVerb
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(500);

    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools)
    {
        var id = ModelArgument.One(tools);
        return tools.Calling(
            "load",
            "Loads a model and waits until it is ready; Ctrl+C does not undo it",
            async (gateway, parse, cancellationToken) =>
            {
                var path = GatewayAddress.PathOf(parse.GetValue(id)!);
                var load = gateway.PostAsync($"/api/models/load/{path}", null, cancellationToken);
                await ShowAsync(tools, gateway, path, load, cancellationToken);
                var loaded = await load;
                if (parse.GetValue(CallOptions.Json))
                {
                    return tools.Pass(loaded);
                }

                tools.Terminal.Out.WriteLine(Terminal.Clean($"{loaded.Json.Text("loaded")} is ready{(loaded.Json.Seconds("load_seconds") is { } took ? $"; it took {Spans.Of(took)} to load" : "")}."));
                return Exits.Done;
            },
            id);
    }

    // For people only. What goes wrong here goes wrong with the load too, and is said there.
    private static async Task ShowAsync(Tools tools, GatewayClient gateway, string path, Task load, CancellationToken cancellationToken)
    {
        if (!tools.Terminal.IsErrorTerminal)
        {
            return;
        }

        var line = new StatusLine(tools.Terminal);
        using var glances = new PeriodicTimer(Glance, tools.Time);
        try
        {
            while (await Task.WhenAny(load, glances.WaitForNextTickAsync(cancellationToken).AsTask()) != load)
            {
                var model = (await gateway.GetAsync($"/v1/models/{path}", cancellationToken)).Json;
                line.Show(Progress.Words(model));
            }
        }
        catch (CommandFailure)
        {
            return;
        }
        finally
        {
            line.Clear();
        }
    }
}
