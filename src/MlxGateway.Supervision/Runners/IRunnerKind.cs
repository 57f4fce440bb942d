using System.Text;
using System.Text.Json;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners;

/// <summary>How to speak to one kind of engine: its command line, its proof of readiness, its names for things. Has no state of its own.</summary>
public interface IRunnerKind
{
    /// <summary>The name in <c>Runner</c>.</summary>
    string Name { get; }

    /// <summary>How a client's request must look for it.</summary>
    RunnerManners MannersFor(ModelSpec model);

    /// <summary>What to start so that the model is served on the port.</summary>
    /// <param name="model">What to serve.</param>
    /// <param name="shape">How much memory it may take.</param>
    /// <param name="port">Where it is to listen, on loopback.</param>
    /// <param name="cancellationToken">Ends the search for the engine.</param>
    /// <exception cref="LaunchFailedException">It cannot be started here: the engine is missing, for example. The message says what to do.</exception>
    ValueTask<LaunchPlan> PlanAsync(ModelSpec model, LaunchShape shape, int port, CancellationToken cancellationToken);
}

/// <summary>What to start, and how it proves that it can answer.</summary>
public sealed record LaunchPlan
{
    /// <summary>The program: an absolute path, or a name to be found on the <c>PATH</c>.</summary>
    public required string Executable { get; init; }

    /// <summary>Its arguments, each as it is.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>Variables that the kind adds to the cleaned environment.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>What it asks of whoever speaks to it; null: the engine can take no such thing.</summary>
    public LaunchSecret? Secret { get; init; }

    /// <summary>Paths that must each answer with a 2xx, in this order, before a client is sent there.</summary>
    public required IReadOnlyList<string> ReadyPaths { get; init; }

    /// <summary>A last question, for an engine whose paths answer before it can; it is waited for as long as the launch may last. Null: the paths are proof enough.</summary>
    public ReadyProbe? Proof { get; init; }

    /// <summary>For an engine that lives on without a model that it could not load: questions whose answers say whether it can serve, asked last and in this order. A fault ends the launch at once.</summary>
    public IReadOnlyList<ReadyVerdict> Verdicts { get; init; } = [];

    /// <summary>What a person can do about what the engine said before it ended, as a sentence; null: nothing is known of that.</summary>
    public Func<string, string?>? Advice { get; init; }

    /// <summary>How long it may take to become ready where nobody has configured that for all runners; null: as long as any.</summary>
    public TimeSpan? ReadyWithin { get; init; }

    /// <summary>What a line of its output tells of preparations that are made once on a machine and do not count: true, they begin; false, they are over; null, nothing.</summary>
    public Func<string, bool?>? Preparing { get; init; }

    /// <summary>What it is asked once it has been silent for long: something that only its generating part can answer. Null: the first of its paths, and any answer will do.</summary>
    public ReadyProbe? Question { get; init; }

    /// <summary>Whether its processes compute while they wait for each other, so that the processor time that they use is no sign of work.</summary>
    public bool WaitsBusily { get; init; }

    /// <summary>What to start in its place if it cannot work here; null: nothing.</summary>
    public LaunchFallback? Fallback { get; init; }

    /// <summary>How a process is started that waits for such a launch; null: none can take it.</summary>
    public SpareStart? Spare { get; init; }
}

/// <summary>A process of the plan's program and environment that does beforehand what is the same for every model, and is told the rest later.</summary>
/// <param name="Arguments">What makes it wait.</param>
/// <param name="Rest">What it is told then, in one line of JSON on its standard input: <c>{"argv": […], "secret": "…"}</c>. It says the event <c>taken</c> once it knows.</param>
/// <param name="Stamp">Changes when the program does: one that was started under another stamp is outdated.</param>
public sealed record SpareStart(IReadOnlyList<string> Arguments, IReadOnlyList<string> Rest, string Stamp);

/// <summary>A request that a runner answers with a 2xx once it is ready.</summary>
/// <param name="Method">Its method.</param>
/// <param name="Path">Its path, from the root.</param>
/// <param name="Json">Its body; null: none.</param>
public sealed record ReadyProbe(HttpMethod Method, string Path, string? Json = null)
{
    private const string OfJson = "application/json";

    /// <summary>What the body is, where it is not JSON.</summary>
    public string ContentType { get; init; } = OfJson;

    /// <summary>Whether a runner that answers with an error has shown that it works: one whose working part sends it.</summary>
    public bool TakesAnyAnswer { get; init; }

    /// <summary>The request for a runner at an address, on a connection that serves for nothing else.</summary>
    internal HttpRequestMessage ToRequest(Uri address) => new(Method, new Uri(address, Path))
    {
        Headers = { ConnectionClose = true },
        Content = Json is { } body ? ContentOf(body) : null,
    };

    /// <summary>A question whose answer is one token.</summary>
    /// <param name="model">The model, as the runner calls it.</param>
    internal static ReadyProbe OneToken(string model) => new(HttpMethod.Post, "/v1/completions", $$"""{"model":{{JsonSerializer.Serialize(model)}},"prompt":"hi","max_tokens":1}""");

    /// <summary>A question whose answer is a vector, for a model that makes nothing else.</summary>
    /// <param name="model">The model, as the runner calls it.</param>
    internal static ReadyProbe Vector(string model) => new(HttpMethod.Post, "/v1/embeddings", $$"""{"model":{{JsonSerializer.Serialize(model)}},"input":"hi"}""");

    /// <summary>A question whose answer is a rank, for a model that makes nothing else.</summary>
    /// <param name="model">The model, as the runner calls it.</param>
    internal static ReadyProbe Rank(string model) => new(HttpMethod.Post, "/v1/rerank", $$"""{"model":{{JsonSerializer.Serialize(model)}},"query":"hi","documents":["hi"]}""");

    private ByteArrayContent ContentOf(string body)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.TryAddWithoutValidation("Content-Type", ContentType == OfJson ? "application/json; charset=utf-8" : ContentType);
        return content;
    }
}

/// <summary>A question whose answer says whether the runner can serve its model.</summary>
/// <param name="Probe">The question. It is asked until there is an answer, whatever that is.</param>
/// <param name="Fault">Why it cannot, by the status and the text of the answer, as a phrase without full stop; null: it can.</param>
public sealed record ReadyVerdict(ReadyProbe Probe, Func<int, string, string?> Fault);

/// <summary>A second way to start the same model.</summary>
/// <param name="ExitCode">The exit code by which the first one says, before it is ready, that it cannot work here.</param>
/// <param name="Plan">What to start then, on the same port.</param>
public sealed record LaunchFallback(int ExitCode, LaunchPlan Plan);
