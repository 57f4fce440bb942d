using System.Text.Json;

namespace MlxGateway.Tests.Serving.Chaos;

/// <summary>What a request asks for.</summary>
internal enum Wish
{
    /// <summary>A chat completion.</summary>
    Chat,

    /// <summary>A text completion.</summary>
    Completion,

    /// <summary>A vector.</summary>
    Embedding,
}

/// <summary>How a client takes its answer.</summary>
internal enum Manner
{
    /// <summary>To the end, as fast as it comes.</summary>
    Patient,

    /// <summary>To the end, by small reads with pauses.</summary>
    Slow,

    /// <summary>Until so many bytes have come, then it is gone.</summary>
    Leaves,
}

/// <summary>What is wrong with a request, or goes wrong because of it.</summary>
internal enum Trouble
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It names a model that nobody has.</summary>
    UnknownModel,

    /// <summary>Its body is larger than the gateway takes.</summary>
    TooLarge,

    /// <summary>The runner kills itself.</summary>
    Dies,

    /// <summary>The runner ends the answer as if it were whole.</summary>
    Cut,

    /// <summary>The runner resets the connection.</summary>
    Reset,

    /// <summary>The runner says no more to this request; the client loses patience.</summary>
    Hangs,

    /// <summary>The runner answers nobody any more, until somebody ends it.</summary>
    Freezes,

    /// <summary>The runner answers with status 500.</summary>
    ServerError,

    /// <summary>The runner answers with status 422.</summary>
    Unprocessable,
}

/// <summary>One planned request: everything about it is known before the run begins.</summary>
internal sealed record ChaosRequest
{
    /// <summary>Words that repeat after the request's own.</summary>
    private static readonly string[] Words = ["one", "two", "three", "four", "five", "six"];

    /// <summary>Its place in the plan. It is in the text of request and answer, so that an answer is provably this request's own.</summary>
    public required int Number { get; init; }

    /// <summary>The model that it names.</summary>
    public required ChaosModel Model { get; init; }

    /// <summary>What it asks for.</summary>
    public Wish Wish { get; init; }

    /// <summary>Whether it wants the answer in pieces.</summary>
    public bool Stream { get; init; }

    /// <summary>Whether it says that nobody waits for it.</summary>
    public bool Background { get; init; }

    /// <summary>How many words the answer has.</summary>
    public int Length { get; init; }

    /// <summary>How the answer is taken.</summary>
    public Manner Manner { get; init; }

    /// <summary>After how many bytes a client that leaves has gone.</summary>
    public int LeavesAfter { get; init; }

    /// <summary>What goes wrong.</summary>
    public Trouble Trouble { get; init; }

    /// <summary>After how many chunks it does.</summary>
    public int TroubleAfter { get; init; }

    /// <summary>The path that it is posted to.</summary>
    public string Path => Wish switch
    {
        Wish.Chat => "/v1/chat/completions",
        Wish.Completion => "/v1/completions",
        _ => "/v1/embeddings",
    };

    /// <summary>The text of a whole answer.</summary>
    public string Answer => Model.IsDemo ? string.Join(' ', Enumerable.Range(0, Length).Select(i => i % (Words.Length + 1) is 0 ? $"r{Number}" : Words[(i % (Words.Length + 1)) - 1])) : $"Hello from {Model.Id} .";

    /// <summary>The body, as ASCII.</summary>
    public string Body()
    {
        var model = Trouble is Trouble.UnknownModel ? $"nobody-{Number}" : Model.Id;
        var asked = Wish switch
        {
            Wish.Chat => $$"""
                "messages":[{"role":"user","content":"request {{Number}}"}]
                """,
            Wish.Completion => $"\"prompt\":\"request {Number}\"",
            _ => $"\"input\":[\"request {Number}\"]",
        };
        var stream = Stream ? ",\"stream\":true" : "";
        var demo = Model.IsDemo && Wish is not Wish.Embedding ? $",\"demo\":{{{Demo()}}}" : "";
        var padding = Trouble is Trouble.TooLarge ? $",\"padding\":\"{new string('x', ChaosFleet.BodyLimit)}\"" : "";
        return $"{{\"model\":{JsonSerializer.Serialize(model)},{asked}{stream}{demo}{padding}}}";
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"#{Number} {Wish} of {Model.Id}{(Stream ? ", streamed" : "")}{(Background ? ", in the background" : "")}, {Length} words, {Manner}{(Manner is Manner.Leaves ? $" after {LeavesAfter} bytes" : "")}, trouble: {Trouble} after {TroubleAfter}";

    private string Demo()
    {
        var say = $"\"say\":\"r{Number} {string.Join(' ', Words)}\",\"tokens\":{Length}";
        return Trouble switch
        {
            Trouble.Dies => $"{say},\"die_after\":{TroubleAfter}",
            Trouble.Cut => $"{say},\"cut_after\":{TroubleAfter}",
            Trouble.Reset => $"{say},\"reset_after\":{TroubleAfter}",
            Trouble.Hangs => $"{say},\"hang_after\":{TroubleAfter}",
            Trouble.Freezes => $"{say},\"freeze_after\":{TroubleAfter}",
            Trouble.ServerError => $"{say},\"status\":500",
            Trouble.Unprocessable => $"{say},\"status\":422,\"error_shape\":\"detail\"",
            _ => say,
        };
    }
}
