using System.Collections.Frozen;
using System.Globalization;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners.Engines;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>llama.cpp's <c>llama-server</c> with one GGUF model.</summary>
internal sealed class LlamaServer(LlamaServerEngine engine) : IRunnerKind
{
    private const string SecretVariable = "LLAMA_API_KEY";
    private const string CorsOrigins = "--cors-origins";

    // It answers 500 to an image that it cannot take, which clients repeat.
    private static readonly RequestRules TextOnly = new([new("messages", FieldShape.List)]) { IsTextOnly = true };

    // What it says no to because of its switches (rerank without --reranking) it explains better than could be done here.
    private static readonly FrozenSet<string> All = FrozenSet.ToFrozenSet(
    [
        "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses", "/v1/responses/input_tokens", "/v1/messages", "/v1/messages/count_tokens", "/v1/rerank", "/v1/audio/transcriptions",
        "/tokenize", "/detokenize", "/infill", "/completion", "/props",
    ]);

    // A model of vectors answers 500 to a chat, which clients repeat.
    private static readonly FrozenSet<string> Vectors = FrozenSet.ToFrozenSet(["/v1/embeddings", "/tokenize", "/detokenize", "/props"]);
    private static readonly FrozenSet<string> Ranks = FrozenSet.ToFrozenSet(["/v1/rerank", "/tokenize", "/detokenize", "/props"]);
    private static readonly FrozenSet<string> VectorsAndRanks = FrozenSet.ToFrozenSet(Vectors.Union(Ranks));

    /// <inheritdoc/>
    public string Name => KindNames.LlamaServer;

    // It answers to any name. Connections are not reused: it closes them after a stream although it promises not to, and its few threads are held by idle ones.
    /// <inheritdoc/>
    public RunnerManners MannersFor(ModelSpec model) => new(model.UpstreamModel ?? model.Id, ReusesConnections: false)
    {
        Rules = SeesImages(model) ? null : TextOnly,
        TakesFunctionsOnly = true,
        WantsWordsOfThoughts = true,
        Offers = OffersOf(LlamaUse.Of(model, new LlamaArguments(model))),
    };

    /// <inheritdoc/>
    public async ValueTask<LaunchPlan> PlanAsync(ModelSpec model, LaunchShape shape, int port, CancellationToken cancellationToken)
    {
        var executable = await engine.RequireAsync(cancellationToken);
        List<string> arguments =
        [
            "--model", model.Path ?? throw new LaunchFailedException(model.Missing ?? $"Model '{model.Id}' has no file."),
            "--host", "127.0.0.1",
            "--port", port.ToString(CultureInfo.InvariantCulture),
            "--no-webui",
        ];

        // Otherwise it tells clients the path of the file. A comma would make it several names.
        if (!model.Id.Contains(',', StringComparison.Ordinal))
        {
            arguments.AddRange(["--alias", model.Id]);
        }

        var args = new LlamaArguments(model);
        if (model.Projector is { } projector && !args.Has(LlamaFlags.Projector))
        {
            arguments.AddRange(["--mmproj", projector]);
        }

        var flags = await engine.FlagsAsync(cancellationToken);
        if (flags.Contains(CorsOrigins) && !args.Has(LlamaFlags.CorsOrigins))
        {
            // What no page can be the origin of. Its default is every page, with credentials.
            arguments.AddRange([CorsOrigins, "none"]);
        }

        var use = LlamaUse.Of(model, args);
        if (use.Ranks && args.IsOn(LlamaFlags.Reranking) is null)
        {
            arguments.Add("--reranking");
        }

        if (use.MakesVectors && args.IsOn(LlamaFlags.Embeddings) is null)
        {
            arguments.Add("--embeddings");
        }

        arguments.AddRange(LlamaServerShape.ArgumentsOf(model, shape, args, shape == LaunchShape.Free ? null : flags));
        arguments.AddRange(LlamaLoading.WordsOf(args, flags));
        return new LaunchPlan
        {
            Executable = executable,
            Arguments = arguments,

            // It asks for it everywhere but where it says that it lives and what it is called.
            Secret = SecretOf(model, args),

            // It answers 503 to everything until the model is loaded; /health is the engine's own word for ready.
            ReadyPaths = ["/v1/models", "/health"],
            Question = QuestionFor(use, MannersFor(model).UpstreamModel),
        };
    }

    // It takes a list of keys, and those of a file and of the variable beside those of the flag.
    private static LaunchSecret SecretOf(ModelSpec model, LlamaArguments args)
    {
        var secret = args.Texts(LlamaFlags.ApiKey).LastOrDefault() is { } given ? new LaunchSecret(SecretVariable, given) : LaunchSecret.For(model, SecretVariable);
        return secret with { Value = secret.Value.Split(',')[0] };
    }

    private static FrozenSet<string> OffersOf(LlamaUse use) => use switch
    {
        { Chats: true } => All,
        { MakesVectors: true, Ranks: true } => VectorsAndRanks,
        { Ranks: true } => Ranks,
        _ => Vectors,
    };

    private static ReadyProbe QuestionFor(LlamaUse use, string model) =>
        use.Ranks ? ReadyProbe.Rank(model) : use.MakesVectors ? ReadyProbe.Vector(model) : ReadyProbe.OneToken(model);

    // What the arguments say is not looked into: who names a projector there knows what the model can.
    private static bool SeesImages(ModelSpec model) => model.Modalities.Contains(Modality.Image) || model.Modalities.Contains(Modality.Audio) || model.Args.Any(a => a.StartsWith("--mmproj", StringComparison.Ordinal));
}
