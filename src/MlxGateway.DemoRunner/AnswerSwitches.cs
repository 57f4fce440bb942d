using System.Text.Json;

namespace MlxGateway.DemoRunner;

/// <summary>The switches that change how a completion is answered: for all of them on the command line, for one of them in its <c>demo</c> object.</summary>
internal static class AnswerSwitches
{
    /// <summary>All of them, in the order of the help.</summary>
    public static readonly Switch<AnswerPlan>[] All =
    [
        new("say", "TEXT", "what it says; {model} stands for the model id", (plan, text) => plan with { Say = text }),
        new("tokens", "N", "how many words it says, the text repeated as needed", (plan, text) => plan with { Tokens = Values.Count(text) }),
        new("token-delay", "SECONDS", "the time before each word", (plan, text) => plan with { TokenDelay = Values.Seconds(text) }),
        new("prefill", "SECONDS", "the silence before the first byte", (plan, text) => plan with { Prefill = Values.Seconds(text) }),
        new("busy", null, "computes during that silence", (plan, text) => plan with { Busy = Values.Flag(text) }),
        new("endless", null, "never stops by itself", (plan, text) => plan with { Endless = Values.Flag(text) }),
        new("tool-call", null, "answers a request that has tools with a call of the first one", (plan, text) => plan with { ToolCall = Values.Flag(text) }),
        new("die-after", "N", "the process kills itself after N chunks", (plan, text) => plan with { DieAfter = Values.Count(text) }),
        new("cut-after", "N", "the answer ends as if whole after N chunks, without finish reason or [DONE]", (plan, text) => plan with { CutAfter = Values.Count(text) }),
        new("reset-after", "N", "the connection is reset after N chunks", (plan, text) => plan with { ResetAfter = Values.Count(text) }),
        new("reset-at-end", null, "the connection is reset behind [DONE], where the end of the body should be", (plan, text) => plan with { ResetAtEnd = Values.Flag(text) }),
        new("hang-after", "N", "nothing more comes after N chunks, the connection stays open", (plan, text) => plan with { HangAfter = Values.Count(text) }),
        new("freeze-after", "N", "nothing more comes after N chunks, nor is any later request answered, whatever it asks", (plan, text) => plan with { FreezeAfter = Values.Count(text) }),
        new("close-delimited", null, "answers as HTTP/1.0 does: no chunks, the end is the end of the connection", (plan, text) => plan with { CloseDelimited = Values.Flag(text) }),
        new("close-after-stream", null, "closes the connection behind a streamed answer without saying so", (plan, text) => plan with { CloseAfterStream = Values.Flag(text) }),
        new("status", "CODE", "answers every completion with this error (400 to 599)", (plan, text) => plan with { Status = Values.Whole(text, 400, 599) }),
        new("error-shape", "SHAPE", "the shape of error bodies: openai, text, detail or html", (plan, text) => plan with { ErrorShape = Values.Word<ErrorShape>(text) }),
    ];

    /// <summary>The plan with what the request's <c>demo</c> object asks for.</summary>
    /// <exception cref="FormatException">The object has a field that is no switch, or a value that makes no sense.</exception>
    public static AnswerPlan Override(AnswerPlan plan, JsonElement body)
    {
        if (!body.TryGetProperty("demo", out var wishes))
        {
            return plan;
        }

        if (wishes.ValueKind != JsonValueKind.Object)
        {
            throw new FormatException("'demo' is not an object");
        }

        foreach (var wish in wishes.EnumerateObject())
        {
            var found = Array.Find(All, s => s.Name.Replace('-', '_') == wish.Name) ?? throw new FormatException($"'demo.{wish.Name}' is unknown");
            plan = found.Apply(plan, wish.Value.ValueKind == JsonValueKind.String ? wish.Value.GetString()! : wish.Value.GetRawText());
        }

        return plan;
    }
}
