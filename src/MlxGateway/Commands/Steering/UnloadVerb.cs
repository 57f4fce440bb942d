using System.CommandLine;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Steering;

/// <summary><c>unload</c>: one model, or all, out of memory.</summary>
internal static class UnloadVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools)
    {
        var id = ModelArgument.AtMostOne(tools, "The model that is to leave");
        var all = new Option<bool>("--all") { Description = "Unloads every model" };
        return tools.Calling(
            "unload",
            "Unloads a model, or all, and waits until the processes are gone and their memory is free",
            async (gateway, parse, cancellationToken) =>
            {
                var named = parse.GetValue(id);
                if (named is null != parse.GetValue(all))
                {
                    return tools.Fail(Exits.Usage, "Name one model, or say --all.");
                }

                var unloaded = await gateway.PostAsync(named is null ? "/api/models/unload" : $"/api/models/unload/{GatewayAddress.PathOf(named)}", null, cancellationToken);
                if (parse.GetValue(CallOptions.Json))
                {
                    return tools.Pass(unloaded);
                }

                var gone = unloaded.Json.Texts("unloaded");
                tools.Terminal.Out.WriteLine(Terminal.Clean(gone.Count == 0 ? "No model was in memory." : $"{string.Join(", ", gone)}: not in memory any more."));
                return Exits.Done;
            },
            id,
            all);
    }
}
