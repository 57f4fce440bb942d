using System.Buffers;
using System.Globalization;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.ContextWindow;

/// <summary>
/// Makes conversations fit into their model's context: caps answers, refuses or compacts what is too long. A request whose bytes are fewer than the context's tokens costs nothing, because
/// a token is a byte at least.
/// </summary>
internal sealed class FittingConversations(RunnerWindows windows, TokenCounter counter, TokenRatios ratios, SummaryShelf shelf, ContextWindowOptions options) : IRequestShaper
{
    /// <summary>The header that says that a conversation was compacted.</summary>
    public const string Header = "X-MlxGateway-Context";

    // No vocabulary has tokens of ordinary text that long.
    private const int LongestToken = 64;

    // Instructions that a template puts in by itself.
    private const int TemplateTokens = 512;
    private const int LongestFirstLook = 1 << 20;

    /// <inheritdoc/>
    public ValueTask<GatewayError?> ShapeAsync(InferenceExchange exchange, ModelSpec model)
    {
        var most = RunnerWindows.AtMost(model);
        if (most == 0 || model.ContextOverflow == ContextOverflow.Off || exchange.Request is not JsonRequest json || json.Route.Shape == StreamShape.None
            || Compacts(json, model) || json.Json.Length / LongestToken <= most)
        {
            return default;
        }

        var parts = Conversation.TryRead(json.Json, json.Fields.ByteOrderMark, json.Route.Shape, model.Facts?.Architecture);
        return new(parts is not null && parts.TextBytes / LongestToken is var least && least > most ? TooLong(most, new TokenCount(least, "at least, by its bytes"), null, Param(json)) : null);
    }

    /// <inheritdoc/>
    public ValueTask<GatewayError?> ShapeForRunnerAsync(InferenceExchange exchange, ModelLease lease) =>
        lease.Model.ContextOverflow == ContextOverflow.Off || exchange.Request is not JsonRequest json || json.Route.Shape == StreamShape.None ? default : ShapeAsync(exchange, json, lease);

    private async ValueTask<GatewayError?> ShapeAsync(InferenceExchange exchange, JsonRequest json, ModelLease lease)
    {
        var context = await windows.OfAsync(lease, exchange.Left);
        if (context == 0)
        {
            return null;
        }

        var model = lease.Model;
        var longestPrompt = json.Json.Length + TemplateTokens;
        var mayHoldImages = model.Modalities.Contains(Modality.Image) && Mentions(json.Json, "\"image"u8);
        if (longestPrompt <= context && !mayHoldImages && !Mentions(json.Json, "\"max_"u8))
        {
            return null;
        }

        if (Conversation.TryRead(json.Json, json.Fields.ByteOrderMark, json.Route.Shape, model.Facts?.Architecture) is not { } parts)
        {
            return null;
        }

        if (parts.Images.Count > 0)
        {
            ratios.Ignore(exchange.Record);
        }

        longestPrompt = parts.TextBytes + parts.ImagesCount + TemplateTokens;
        var cap = parts.Cap;
        if (longestPrompt + (cap ?? 0) <= context)
        {
            return null;
        }

        // A rough cap is good enough where nearly all of the context remains.
        if (longestPrompt <= context / 4)
        {
            LowerCaps(json, parts, context - longestPrompt, model);
            return null;
        }

        var count = await counter.CountAsync(json, parts, lease, exchange.Left);
        var room = Math.Max(1, Math.Min(cap ?? 1024, Math.Min(1024, context / 8)));
        if (count.Tokens + (Compacts(json, model) ? room : 1) > context)
        {
            if (!Compacts(json, model))
            {
                return TooLong(context, count, null, Param(json));
            }

            json.Settle();
            if (Conversation.TryRead(json.Json, json.Fields.ByteOrderMark, json.Route.Shape, model.Facts?.Architecture) is not { } settled)
            {
                return null;
            }

            var (left, why) = await CompactAsync(exchange, json, settled, lease, context, room, count);
            if (left is null && (lease.Revocation.Token.IsCancellationRequested || lease.Runner.Gone.IsCompleted))
            {
                return Refusals.Broken(lease.Revocation.Reason, model.Id, lease.Revocation.Detail);
            }

            if ((left ?? count) is var remaining && remaining.Tokens >= context)
            {
                return TooLong(context, count, left is null ? why : $"Its older messages were summarised, and it still has {Number(remaining.Tokens)} tokens.", Param(json));
            }

            count = left ?? count;
            parts = left is null ? settled : Conversation.TryRead(json.Json, json.Fields.ByteOrderMark, json.Route.Shape, model.Facts?.Architecture)!;
        }

        LowerCaps(json, parts, context - count.Tokens, model);
        return null;
    }

    // Null: there was nothing to compact, or the runner would not; the reason is for the client.
    private async Task<(TokenCount? Left, string? Why)> CompactAsync(InferenceExchange exchange, JsonRequest json, Conversation parts, ModelLease lease, int context, long room, TokenCount before)
    {
        var plan = CompactionPlan.For(parts.Messages, options.KeepMessages);
        if (plan.Older.Count == 0)
        {
            return (null, $"There is nothing to summarise: instructions and the last {options.KeepMessages} messages stay as they are.");
        }

        var (body, model) = (json.Json, lease.Model);
        var keys = SummaryShelf.KeysOf(model.Id, body, parts.Messages, plan.Tail);
        var summary = shelf.Longest(keys, plan.Tail);
        if (summary is not null && await TryAsync(summary) is { } fits && fits.Count.Tokens + room <= context)
        {
            return (await UseAsync(fits), null);
        }

        if (summary?.Messages != plan.Tail)
        {
            var transcript = string.Concat(plan.Older.Where(i => i >= (summary?.Messages ?? 0)).Select(i => BodyParts.ToTranscript(body.Slice(parts.Messages[i].Start, parts.Messages[i].End - parts.Messages[i].Start))));
            var bytesPerToken = Math.Clamp((double)parts.TextBytes / Math.Max(1, before.Tokens - parts.ImagesCount), 1, 8);
            string? text;
            try
            {
                text = await Summariser.SummariseAsync(summary?.Text, transcript, bytesPerToken, context, lease, exchange.Left);
            }
            catch (OperationCanceledException) when (!exchange.Left.IsCancellationRequested)
            {
                text = null; // the lease was taken back
            }

            if (text is null)
            {
                return (null, "The model could not summarise its older messages.");
            }

            summary = new Summary(plan.Tail, text);
            shelf.Keep(keys[plan.Tail - 1], summary);
        }

        return (await UseAsync(await TryAsync(summary)), null);

        async Task<(byte[] Body, TokenCount Count)> TryAsync(Summary with)
        {
            var made = BodyParts.Compacted(body, parts, with.Messages, with.Text);
            var sequence = new ReadOnlySequence<byte>(made);
            return (made, await counter.CountAsync(sequence, json.Route.Shape, Conversation.TryRead(sequence, 0, json.Route.Shape, model.Facts?.Architecture)!, lease, exchange.Left));
        }

        async Task<TokenCount?> UseAsync((byte[] Body, TokenCount Count) made)
        {
            if (made.Count.Tokens >= context)
            {
                return made.Count;
            }

            using var stream = new MemoryStream(made.Body, writable: false);
            json.ReplaceWith(PooledBody.Read(stream));
            ratios.Ignore(exchange.Record);
            var numbers = $"compacted; from={Number(before.Tokens)}; to={Number(made.Count.Tokens)}";
            await exchange.Response.NoteAsync(Header, numbers, $"context {numbers}", exchange.Left);
            return made.Count;
        }
    }

    private static void LowerCaps(JsonRequest json, Conversation parts, long remaining, ModelSpec model)
    {
        if (parts.Caps.Any(c => c.Tokens > remaining && json.IsEdited(c.Offset, c.Length)))
        {
            // Another step has its own idea of the field; what it made of it is looked at.
            json.Settle();
            parts = Conversation.TryRead(json.Json, json.Fields.ByteOrderMark, json.Route.Shape, model.Facts?.Architecture)!;
        }

        foreach (var cap in parts.Caps)
        {
            if (cap.Tokens > remaining)
            {
                json.Edit(new BodyEdit(cap.Offset, cap.Length, System.Text.Encoding.UTF8.GetBytes(Number(Math.Max(1, remaining)))));
            }
        }
    }

    private static bool Compacts(JsonRequest json, ModelSpec model) => model.ContextOverflow == ContextOverflow.Compact && json.Route.Shape is StreamShape.Chat or StreamShape.Messages or StreamShape.Responses;

    private static GatewayError TooLong(int context, TokenCount count, string? more, string param) => new(
        StatusCodes.Status400BadRequest,
        "context_length_exceeded",
        $"This model's maximum context length is {Number(context)} tokens. However, your request has {Number(count.Tokens)} tokens ({count.Method}). {more ?? "Shorten it, or start a new conversation."}") { Param = param };

    private static string Param(JsonRequest json) => json.Route.Shape switch { StreamShape.Completion => "prompt", StreamShape.Responses => "input", _ => "messages" };

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    // A quick look that is much cheaper than a pass. A large body is worth a pass.
    private static bool Mentions(in ReadOnlySequence<byte> body, ReadOnlySpan<byte> name) =>
        body.Length > LongestFirstLook || !body.IsSingleSegment || body.FirstSpan.IndexOf(name) >= 0;
}
