using System.Buffers;
using System.Text;
using System.Text.Json;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.ContextWindow;

/// <summary>Lets the model itself say in short what a conversation was about, piece by piece where it is longer than the model can read at once.</summary>
internal static class Summariser
{
    private const string Task =
        "Summarise the conversation below for yourself, so that you can go on with it without having read it. Keep names, numbers, paths, decisions, open questions and what the user wants. Write only the summary.";

    // What the template, the instruction and the marks around the text are at most, a token a byte.
    private const int Overhead = 512;
    private const int LeastPiece = 128;
    private const int MostPieces = 64;

    /// <summary>The most tokens that a summary may have in a context.</summary>
    public static int LongestIn(int context) => Math.Clamp(context / 8, 32, 1024);

    /// <summary>Summarises. Null: the runner would not.</summary>
    /// <param name="before">What was summarised earlier and comes first; null: nothing was.</param>
    /// <param name="transcript">What was said since.</param>
    /// <param name="bytesPerToken">What a token of this conversation is on average.</param>
    /// <param name="context">The model's context.</param>
    /// <param name="lease">The runner.</param>
    /// <param name="cancellationToken">Nobody wants it any more.</param>
    public static async Task<string?> SummariseAsync(string? before, string transcript, double bytesPerToken, int context, ModelLease lease, CancellationToken cancellationToken)
    {
        var longest = LongestIn(context);
        var tokens = Math.Max(context - (2 * longest) - Math.Min(Overhead, context / 4), LeastPiece);
        var piece = Math.Max((int)(tokens * bytesPerToken * 0.8), LeastPiece);
        var bytes = Encoding.UTF8.GetBytes(transcript);
        var summary = before;
        for (int at = 0, pieces = 0; at < bytes.Length;)
        {
            var end = EndOfPiece(bytes, at, piece);
            if (++pieces > MostPieces)
            {
                return null;
            }

            if (await AskAsync(summary, Encoding.UTF8.GetString(bytes, at, end - at), longest, lease, cancellationToken) is { } better)
            {
                (summary, at) = (better, end);
            }
            else if ((piece /= 2) < LeastPiece)
            {
                return null; // it was not the length
            }
        }

        return string.IsNullOrWhiteSpace(summary) ? null : summary;
    }

    /// <summary>An answer without what the model thought before it.</summary>
    internal static string WithoutThoughts(string answer)
    {
        var end = answer.LastIndexOf("</think>", StringComparison.Ordinal);
        if (end >= 0)
        {
            return answer[(end + "</think>".Length)..].Trim();
        }

        var begin = answer.IndexOf("<think>", StringComparison.Ordinal);
        return (begin >= 0 ? answer[..begin] : answer).Trim();
    }

    /// <summary>Where a piece ends that is at most so long: never inside a character, and at the end of a line if one is near.</summary>
    internal static int EndOfPiece(ReadOnlySpan<byte> text, int start, int length)
    {
        var end = start + length;
        if (end >= text.Length)
        {
            return text.Length;
        }

        var line = text[(start + (length / 2))..end].LastIndexOf((byte)'\n');
        if (line >= 0)
        {
            return start + (length / 2) + line + 1;
        }

        while (end > start + 1 && (text[end] & 0b1100_0000) == 0b1000_0000)
        {
            end--;
        }

        return end;
    }

    private static async Task<string?> AskAsync(string? before, string text, int longest, ModelLease lease, CancellationToken cancellationToken)
    {
        using var answer = await RunnerCall.AskAsync(lease, "/v1/chat/completions", Question(before, text, longest, lease), cancellationToken);
        if (answer?.RootElement is not { ValueKind: JsonValueKind.Object } root || !root.TryGetProperty("choices", out var choices) || choices.ValueKind != JsonValueKind.Array || choices.GetArrayLength() == 0
            || !choices[0].TryGetProperty("message", out var message) || message.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        var said = message.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String ? WithoutThoughts(content.GetString()!) : "";

        // A model that thought until its tokens were used up has said nothing; what it knew before stays.
        return said.Length > 0 ? said : before ?? "(Nothing could be said of it in short.)";
    }

    private static byte[] Question(string? before, string text, int longest, ModelLease lease)
    {
        var made = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(made);
        json.WriteStartObject();
        json.WriteString("model", lease.Runner.Manners.UpstreamModel);
        json.WriteStartArray("messages");
        json.WriteStartObject();
        json.WriteString("role", "user");
        json.WriteString("content", $"{Task}\n\n{(before is null ? "" : $"What was said before, in short:\n{before}\n\n")}The conversation:\n{text}");
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteNumber("max_tokens", longest);
        json.WritePropertyName("temperature");
        json.WriteRawValue("0.0"u8); // one engine takes a whole number for a wrong type
        json.WriteBoolean("stream", false);
        if (lease.Model.Runner is KindNames.LlamaServer or KindNames.MlxLm)
        {
            json.WriteStartObject("chat_template_kwargs");
            json.WriteBoolean("enable_thinking", false);
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.Flush();
        return made.WrittenSpan.ToArray();
    }
}
