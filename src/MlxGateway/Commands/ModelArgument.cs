using System.CommandLine;
using MlxGateway.Commands.Calls;

namespace MlxGateway.Commands;

/// <summary>The argument that names a model; shells complete it with those that the gateway has.</summary>
internal static class ModelArgument
{
    private static readonly TimeSpan Bearable = TimeSpan.FromSeconds(1);

    /// <summary>One that must be there.</summary>
    public static Argument<string> One(Tools tools) => Completed(new Argument<string>("ID") { Description = "The id or an alias of a model" }, tools);

    /// <summary>One that may be left out.</summary>
    public static Argument<string?> AtMostOne(Tools tools, string description) =>
        Completed(new Argument<string?>("ID") { Description = description, Arity = ArgumentArity.ZeroOrOne }, tools);

    private static TArgument Completed<TArgument>(TArgument argument, Tools tools)
        where TArgument : Argument
    {
        argument.CompletionSources.Add(context => Ids(context.ParseResult, tools).Where(id => id.StartsWith(context.WordToComplete, StringComparison.OrdinalIgnoreCase)).Select(static id => new System.CommandLine.Completions.CompletionItem(id)));
        return argument;
    }

    // Whoever presses the tabulator waits for this, and is told nothing of what goes wrong.
    private static IReadOnlyList<string> Ids(ParseResult parse, Tools tools)
    {
        try
        {
            using var patience = new CancellationTokenSource(Bearable, tools.Time);
            using var gateway = new GatewayClient(tools.AddressOf(parse), tools.KeyOf(parse));
            var models = gateway.GetAsync("/v1/models", patience.Token).GetAwaiter().GetResult().Json;
            return [.. models.Entries("data").SelectMany(static m => m.Texts("aliases").Prepend(m.Text("id") ?? "")).Where(static id => id.Length > 0)];
        }
        catch (Exception silent) when (silent is CommandFailure or OperationCanceledException or InvalidOperationException)
        {
            return [];
        }
    }
}
