using System.Buffers;
using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.ContextWindow;

/// <summary>How many tokens a request is.</summary>
/// <param name="Tokens">The number, with the margin if it is an estimate.</param>
/// <param name="Method">How it came about, in words that end the sentence "… tokens (".</param>
internal readonly record struct TokenCount(long Tokens, string Method);

/// <summary>Counts a request: by the engine where it can, with its template, else by what bytes of earlier requests were to the model.</summary>
internal sealed class TokenCounter(TokenRatios ratios, ContextWindowOptions options)
{
    private const string ByEngine = "counted by the engine";

    /// <summary>Counts a request as it is about to be sent.</summary>
    public async Task<TokenCount> CountAsync(JsonRequest request, Conversation parts, ModelLease lease, CancellationToken cancellationToken)
    {
        if (CounterOf(request.Route.Shape) is null)
        {
            return await CountAsync(request.Json, request.Route.Shape, parts, lease, cancellationToken);
        }

        // Some engines know their model only by the name that they were launched with.
        request.NameModel(lease.Runner.Manners.UpstreamModel);
        await using var sent = request.OpenBody();
        var body = new byte[sent.Length];
        await sent.ReadExactlyAsync(body, cancellationToken);
        return await CountAsync(new ReadOnlySequence<byte>(body), request.Route.Shape, parts, lease, cancellationToken);
    }

    /// <summary>Counts a body that names its model as the engine knows it.</summary>
    public async Task<TokenCount> CountAsync(ReadOnlySequence<byte> body, StreamShape shape, Conversation parts, ModelLease lease, CancellationToken cancellationToken)
    {
        if (CounterOf(shape) is { } path)
        {
            return await AskAsItIsAsync(path, body.IsSingleSegment ? body.First : body.ToArray(), lease, cancellationToken) is { } all ? new TokenCount(all, ByEngine) : Estimate(parts, lease);
        }

        var counted = lease.Model.Runner switch
        {
            KindNames.MlxLm => await AskMlxLmAsync(body, parts, lease, cancellationToken),
            KindNames.LlamaServer => await AskLlamaServerAsync(body, parts, lease, cancellationToken),
            _ => null,
        };
        return counted is { } tokens
            ? new TokenCount(tokens + parts.ImagesCount, parts.Images.Count == 0 ? ByEngine : $"{ByEngine}, images estimated")
            : Estimate(parts, lease);
    }

    private TokenCount Estimate(Conversation parts, ModelLease lease) =>
        new((long)Math.Ceiling(parts.TextBytes * ratios.For(lease.Model.Id) * (1 + options.Margin)) + parts.ImagesCount, "estimated from earlier requests");

    // In these dialects an engine that speaks them counts the very request, with all that is in it.
    private static string? CounterOf(StreamShape shape) => shape switch
    {
        StreamShape.Responses => InferenceRoute.ResponsesCount.Path,
        StreamShape.Messages => InferenceRoute.MessagesCount.Path,
        _ => null,
    };

    private static async Task<long?> AskAsItIsAsync(string path, ReadOnlyMemory<byte> body, ModelLease lease, CancellationToken cancellationToken)
    {
        if (lease.Runner.Manners.Offers?.Contains(path) is not true)
        {
            return null;
        }

        using var answer = await RunnerCall.AskAsync(lease, path, body, cancellationToken);
        return answer?.RootElement.TryGetProperty("input_tokens", out var count) is true && count.TryGetInt64(out var tokens) ? tokens : null;
    }

    private static async Task<long?> AskMlxLmAsync(ReadOnlySequence<byte> body, Conversation parts, ModelLease lease, CancellationToken cancellationToken)
    {
        using var answer = await RunnerCall.AskAsync(lease, "/gateway/tokenize", BodyParts.ToCount(body, parts), cancellationToken);
        return answer?.RootElement.TryGetProperty("count", out var count) is true && count.TryGetInt64(out var tokens) ? tokens : null;
    }

    private static async Task<long?> AskLlamaServerAsync(ReadOnlySequence<byte> body, Conversation parts, ModelLease lease, CancellationToken cancellationToken)
    {
        string? prompt;
        if (parts.Messages.Count > 0)
        {
            using var formatted = await RunnerCall.AskAsync(lease, "/apply-template", BodyParts.ToCount(body, parts), cancellationToken);
            prompt = formatted?.RootElement.TryGetProperty("prompt", out var text) is true ? text.GetString() : null;
        }
        else
        {
            using var asked = JsonDocument.Parse(BodyParts.ToCount(body, parts));
            prompt = asked.RootElement.TryGetProperty("prompt", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
        }

        if (prompt is null)
        {
            return null;
        }

        var question = JsonSerializer.SerializeToUtf8Bytes(new { content = prompt, add_special = true, parse_special = true });
        using var answer = await RunnerCall.AskAsync(lease, "/tokenize", question, cancellationToken);
        return answer?.RootElement.TryGetProperty("tokens", out var tokens) is true && tokens.ValueKind == JsonValueKind.Array ? tokens.GetArrayLength() : null;
    }
}
