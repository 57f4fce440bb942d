using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Inference.Answers;

/// <summary>Asks engines that count tokens only for who asks, so that the request's record has them, and keeps the answer to that from a client that did not ask.</summary>
internal sealed class UnaskedUsage(RunnerKinds kinds) : IRequestShaper, IAnswerFilterSource
{
    private static readonly byte[] Members = "\"stream_options\":{\"include_usage\":true},"u8.ToArray();

    /// <inheritdoc/>
    public ValueTask<GatewayError?> ShapeAsync(InferenceExchange exchange, ModelSpec model)
    {
        if (AppliesTo(exchange, kinds.MannersFor(model)))
        {
            var request = (JsonRequest)exchange.Request;
            request.Edit(new BodyEdit(request.Fields.FirstField, 0, Members));
        }

        return default;
    }

    /// <inheritdoc/>
    public IAnswerFilter? FilterFor(InferenceExchange exchange, ModelLease lease) => AppliesTo(exchange, lease.Runner.Manners) ? new Withholding() : null;

    // Its own stream_options, if it has any that do not ask for the counts, are taken out by the engine's rules.
    private static bool AppliesTo(InferenceExchange exchange, RunnerManners? manners) =>
        manners is { CountsOnlyIfAsked: true } && exchange is { Route.EndsWithDone: true, Request: JsonRequest { Stream: true, Fields.AsksForUsage: false } };

    private sealed class Withholding : IAnswerFilter
    {
        public ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events)
        {
            if (events.Span.IndexOf("\"usage\""u8) < 0)
            {
                return events;
            }

            // Event by event: the counts come in one of their own, which has no choices.
            var kept = new List<byte>(events.Length);
            for (var at = 0; at < events.Length;)
            {
                var rest = events.Span[at..];
                var end = rest.IndexOf("\n\n"u8) is >= 0 and var feed ? feed + 2 : rest.Length;
                var one = rest[..end];
                if (one.IndexOf("\"usage\""u8) < 0 || !HasNoChoices(one))
                {
                    kept.AddRange(one);
                }

                at += end;
            }

            return kept.Count == events.Length ? events : kept.ToArray();
        }

        private static bool HasNoChoices(ReadOnlySpan<byte> one)
        {
            var at = one.IndexOf("\"choices\""u8);
            var value = at < 0 ? default : one[(at + 9)..].TrimStart(" :\t"u8);
            return value is [(byte)'[', ..] && value[1..].TrimStart(" \t"u8) is [(byte)']', ..];
        }
    }
}
