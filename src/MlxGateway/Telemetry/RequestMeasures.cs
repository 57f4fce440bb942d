using System.Diagnostics;
using System.Diagnostics.Metrics;
using MlxGateway.Inference;
using MlxGateway.Inference.Tracing;

namespace MlxGateway.Telemetry;

/// <summary>
/// Measures every request once it is over, by the runtime's own instruments: <c>/metrics</c> and OpenTelemetry read the same ones. Their names are those of the conventions for generative AI where these
/// have one. No text of a client's is among the tags: a model's name is one of the catalog, a route one of the gateway's, a code one of its own.
/// </summary>
internal sealed class RequestMeasures : IRequestObserver, IDisposable
{
    /// <summary>The name of the meter.</summary>
    public const string MeterName = "MlxGateway.Requests";

    // The bounds of the conventions for a duration end at 80 s, where a swap of a large model begins.
    private static readonly InstrumentAdvice<double> Durations = new() { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640] };
    private static readonly InstrumentAdvice<double> FirstTokens = new() { HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 320, 640] };
    private static readonly InstrumentAdvice<double> OutputTokens = new() { HistogramBucketBoundaries = [0.002, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5] };
    private static readonly InstrumentAdvice<long> Tokens = new() { HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864] };

    // Boxed once, not once for each request.
    private static readonly object[] Statuses = [.. Enumerable.Range(0, 600).Select(static n => (object)n)];

    private readonly Meter _meter = new(MeterName);
    private readonly Histogram<double> _duration;
    private readonly Histogram<long> _tokens;
    private readonly Counter<long> _cached;
    private readonly Histogram<double> _firstToken;
    private readonly Histogram<double> _perToken;
    private readonly Histogram<double> _queue;
    private readonly Histogram<double> _load;

    public RequestMeasures()
    {
        _duration = _meter.CreateHistogram("gen_ai.server.request.duration", "s", "From a request's arrival to the end of its answer.", [], Durations);
        _tokens = _meter.CreateHistogram("gen_ai.client.token.usage", "{token}", "Tokens of prompts and of answers, as the engines counted them.", [], Tokens);
        _cached = _meter.CreateCounter<long>("mlxgateway.tokens.cached", "{token}", "Of the prompts' tokens those that the engines still had from before.");
        _firstToken = _meter.CreateHistogram("gen_ai.server.time_to_first_token", "s", "From a streamed request's arrival to the first piece of its answer.", [], FirstTokens);
        _perToken = _meter.CreateHistogram("gen_ai.server.time_per_output_token", "s", "The mean time of an answer's tokens behind the first.", [], OutputTokens);
        _queue = _meter.CreateHistogram("mlxgateway.request.queue.duration", "s", "The wait for a turn, loading not counted.", [], Durations);
        _load = _meter.CreateHistogram("mlxgateway.request.load.duration", "s", "The wait for the model's load, of requests that had to.", [], Durations);
    }

    /// <inheritdoc/>
    public void Completed(RequestRecord record)
    {
        var operation = Operations.Of(record.Route);
        NoteDuration(record, operation);
        if (record is not { Model: { } model, Runner: { } runner })
        {
            return; // it never came to a model
        }

        var tags = new TagList { { Tag.Operation, operation }, { Tag.Provider, runner }, { Tag.Model, model } };
        _queue.Record(record.Queued.TotalSeconds, tags);
        if (record.Loading > TimeSpan.Zero)
        {
            _load.Record(record.Loading.TotalSeconds, tags);
        }

        if (record.FirstToken is { } first)
        {
            _firstToken.Record(first.TotalSeconds, tags);
        }

        if (PerToken(record) is { } pace)
        {
            _perToken.Record(pace, tags);
        }

        if (record.CachedTokens is { } cached and > 0)
        {
            _cached.Add(cached, tags);
        }

        NoteTokens(record.PromptTokens, "input", tags);
        NoteTokens(record.CompletionTokens, "output", tags);
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private void NoteDuration(RequestRecord record, string operation)
    {
        var tags = new TagList
        {
            { Tag.Operation, operation },
            { Tag.Route, record.Route },
            { Tag.Outcome, OutcomeNames.Of(record.Outcome) },
            { Tag.Status, Statuses[Math.Clamp(record.Status, 0, Statuses.Length - 1)] },
        };
        if (record is { Model: { } model, Runner: { } runner })
        {
            tags.Add(Tag.Provider, runner);
            tags.Add(Tag.Model, model);
        }

        if (record.Code is { } code)
        {
            tags.Add(Tag.Error, code);
        }

        if (FinishOf(record) is { } finish)
        {
            tags.Add(Tag.Finish, finish);
        }

        _duration.Record(record.Total.TotalSeconds, tags);
    }

    private void NoteTokens(int? count, string type, TagList tags)
    {
        if (count is { } tokens and >= 0)
        {
            tags.Add(Tag.TokenType, type);
            _tokens.Record(tokens, tags);
        }
    }

    // What the stream shows, which is what the client had; where it shows nothing the engine's own figure.
    private static double? PerToken(RequestRecord record) =>
        record is not { Outcome: RequestOutcome.Completed, CompletionTokens: { } tokens and > 1 } ? null
        : record.FirstToken is { } first && record.Total > first ? (record.Total - first).TotalSeconds / (tokens - 1)
        : record.TokensPerSecond is { } speed and > 0 ? 1 / speed
        : null;

    // The few words that others have for it: an engine's own may be any.
    private static string? FinishOf(RequestRecord record) => record.Outcome switch
    {
        RequestOutcome.Completed => record.FinishReason is "length" or "max_tokens" or "max_output_tokens" or "incomplete" ? "length" : "stop",
        RequestOutcome.ClientLeft or RequestOutcome.Cancelled => "abort",
        _ => null,
    };
}
