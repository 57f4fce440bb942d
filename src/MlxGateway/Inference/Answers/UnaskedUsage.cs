using System.Buffers;
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
    public IAnswerFilter? FilterFor(InferenceExchange exchange, ModelLease lease) => AppliesTo(exchange, lease.Runner.Manners) ? new UsageWithheld() : null;

    // Its own stream_options, if it has any that do not ask for the counts, are taken out by the engine's rules.
    private static bool AppliesTo(InferenceExchange exchange, RunnerManners? manners) =>
        manners is { CountsOnlyIfAsked: true } && exchange is { Route.EndsWithDone: true, Request: JsonRequest { Stream: true, Fields.AsksForUsage: false } };
}

/// <summary>Takes the event that has counts and nothing else out of a stream.</summary>
internal sealed class UsageWithheld : IAnswerFilter
{
    private readonly ArrayBufferWriter<byte> _kept = new();

    /// <inheritdoc/>
    public ReadOnlyMemory<byte> FilterEvents(ReadOnlyMemory<byte> events)
    {
        if (events.Span.IndexOf("\"usage\""u8) < 0)
        {
            return events;
        }

        _kept.ResetWrittenCount();
        var rest = events.Span;
        while (!rest.IsEmpty)
        {
            var one = EventLines.TakeEvent(ref rest);
            if (!UsageEvent.Read(EventLines.DataOf(one)).IsOfCountsAlone)
            {
                _kept.Write(one);
            }
        }

        return _kept.WrittenCount == events.Length ? events : _kept.WrittenMemory;
    }
}
