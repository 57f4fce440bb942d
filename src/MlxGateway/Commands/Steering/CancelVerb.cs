using System.CommandLine;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Steering;

/// <summary><c>cancel</c>: a request is called off.</summary>
internal static class CancelVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools)
    {
        var id = new Argument<string>("REQUEST") { Description = "The id of a request: its x-request-id, as the list of requests shows it" };
        id.Validators.Add(static result => ModelArgument.Check(result, result.Tokens));
        return tools.Calling(
            "cancel",
            "Calls a request off, wherever it is: its generation ends and its place is free",
            async (gateway, parse, cancellationToken) =>
            {
                var cancelled = await gateway.PostAsync($"/api/requests/{Uri.EscapeDataString(parse.GetValue(id)!)}/cancel", null, cancellationToken);
                if (parse.GetValue(CallOptions.Json))
                {
                    return tools.Pass(cancelled);
                }

                tools.Terminal.Out.WriteLine(Terminal.Clean($"{cancelled.Json.Text("cancelled")} was called off."));
                return Exits.Done;
            },
            id);
    }
}
