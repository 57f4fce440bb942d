using System.CommandLine;
using System.CommandLine.Completions;
using System.CommandLine.Parsing;
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

    /// <summary>Lets a switch that names a model be completed and checked like an argument.</summary>
    public static Option<string?> Named(Option<string?> option, Tools tools)
    {
        option.Validators.Add(static result => Check(result, result.Tokens));
        option.CompletionSources.Add(Completion(tools));
        return option;
    }

    /// <summary>Holds words against what the path of a request can say: of an empty name, or of one with dots for a part, another request would be made, for all models perhaps.</summary>
    public static void Check(SymbolResult result, IEnumerable<Token> words)
    {
        foreach (var word in words.Select(static w => w.Value).Where(static w => string.IsNullOrWhiteSpace(w) || w.Split('/').Any(static part => part is "." or "..")))
        {
            result.AddError($"\"{word}\" names nothing.");
        }
    }

    private static TArgument Completed<TArgument>(TArgument argument, Tools tools)
        where TArgument : Argument
    {
        argument.Validators.Add(static result => Check(result, result.Tokens));
        argument.CompletionSources.Add(Completion(tools));
        return argument;
    }

    private static Func<CompletionContext, IEnumerable<CompletionItem>> Completion(Tools tools) => context =>
        Ids(context.ParseResult, tools).Where(id => id.StartsWith(context.WordToComplete, StringComparison.OrdinalIgnoreCase)).Select(static id => new CompletionItem(id));

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
