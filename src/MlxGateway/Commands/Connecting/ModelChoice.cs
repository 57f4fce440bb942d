using System.Text.Json;
using MlxGateway.Commands.Calls;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Connecting;

/// <summary>Which model a client is connected with, and whether it will do.</summary>
internal static class ModelChoice
{
    /// <summary>What a context is taken for that the gateway does not know.</summary>
    public const int AssumedContext = 8192;

    /// <summary>The entry of the named model; else of one that is in memory; else of the first that can chat.</summary>
    /// <exception cref="CommandFailure">There is none.</exception>
    public static async Task<JsonElement> MakeAsync(GatewayClient gateway, string? named, CancellationToken cancellationToken)
    {
        if (named is not null)
        {
            return (await gateway.GetAsync($"/v1/models/{GatewayAddress.PathOf(named)}", cancellationToken)).Json;
        }

        var models = (await gateway.GetAsync("/v1/models", cancellationToken)).Json.Entries("data").ToList();
        return models.OrderByDescending(static m => m.Is("loaded")).Where(static m => m.Texts("capabilities").Contains("chat") && m.At("status")?.Text("value") != "missing").Cast<JsonElement?>().FirstOrDefault()
            ?? throw new CommandFailure(Exits.Refused, models.Count == 0 ? "The gateway has no model yet. Find one with: MlxGateway search TEXT" : "None of the gateway's models can chat; name one with --model ID.");
    }

    /// <summary>What will not go well.</summary>
    public static IReadOnlyList<string> Warnings(Client client, Connection connection, bool isAssumed)
    {
        var warnings = new List<string>();
        if (isAssumed)
        {
            warnings.Add($"The context of {connection.Model} is not known, and was taken for {Spans.Of(connection.Context)} tokens; --context N says it.");
        }

        if (client.FirstMessage is { } first && connection.Context < first)
        {
            warnings.Add($"The first message of {client.Title} takes about {Spans.Of(first)} tokens before you have said anything, and {connection.Model} has room for {Spans.Of(connection.Context)}: it will be refused or cut. {Remedy(client, connection)}");
        }
        else if (connection.Context < client.Comfortable)
        {
            warnings.Add($"{client.Title} does not get far with a context of {Spans.Of(connection.Context)} tokens{(client.FirstMessage is { } some and > 0 ? $": its first message takes about {Spans.Of(some)} of them" : "")}. {Remedy(client, connection)}");
        }

        return warnings;
    }

    private static string Remedy(Client client, Connection connection) =>
        $"Give it {Spans.Of(client.Comfortable)} or more (Models:{connection.Model}:Context), or choose another with --model ID.";
}
