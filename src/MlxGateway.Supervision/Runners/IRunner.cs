using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners;

/// <summary>A live runner that has proved that it can answer.</summary>
public interface IRunner
{
    /// <summary>Its base address on loopback, without a path.</summary>
    Uri Address { get; }

    /// <summary>The process id of the runner, which leads a process group of its own.</summary>
    int Pid { get; }

    /// <summary>The connections to this launch of the runner and to no other; closed before it is told to stop.</summary>
    HttpMessageInvoker Connections { get; }

    /// <summary>What a client's request must look like for this runner.</summary>
    RunnerManners Manners { get; }

    /// <summary>Completes when the process is gone, for whatever reason. Never faults.</summary>
    Task<RunnerEnd> Gone { get; }

    /// <summary>By what it can be told whether it hangs; null: it cannot.</summary>
    IVitals? Vitals => null;

    /// <summary>Closes the connections, stops the whole process tree and completes when nothing of it is left. May be called more than once. Never throws.</summary>
    Task StopAsync();

    /// <summary>
    /// Closes the connections and lets the process live on, for the next gateway's <see cref="IRunnerLauncher.AdoptAsync"/>. From then on it is not ours: <see cref="Gone"/> does not complete, and a stop does nothing.
    /// </summary>
    /// <returns>False: it cannot be kept, and is to be stopped like any other.</returns>
    Task<bool> KeepAsync() => Task.FromResult(false);
}

/// <summary>How a runner ended.</summary>
/// <param name="How">For a person: with what exit code or signal, and its last lines. Without secrets.</param>
/// <param name="WasKilled">Whether it was ended by SIGKILL, which nobody here had sent.</param>
public sealed record RunnerEnd(string How, bool WasKilled = false);

/// <summary>What a client's request must look like for one runner.</summary>
/// <param name="UpstreamModel">The <c>model</c> value it must carry.</param>
/// <param name="ReusesConnections">Whether a connection may carry a second request after one that was not streamed.</param>
public sealed record RunnerManners(string UpstreamModel, bool ReusesConnections)
{
    /// <summary>What must be done to a body before the runner can have it; null: nothing.</summary>
    public RequestRules? Rules { get; init; }

    /// <summary>The name by which the runner speaks of the model in its answers, where it is not the one that was asked for; it is put right. Null: it needs no care.</summary>
    public string? EchoedModel { get; init; }

    /// <summary>Whether the runner calls a model's thoughts <c>reasoning</c> only; clients get them as <c>reasoning_content</c> too.</summary>
    public bool NamesReasoning { get; init; }

    /// <summary>Whether the runner notices only of a stream that its client has left, so that other requests too are sent to it as streams, and their answers put together.</summary>
    public bool AsksForStreams { get; init; }

    /// <summary>Whether the runner says 404 for whatever is wrong with a request.</summary>
    public bool SaysNotFoundForAll { get; init; }

    /// <summary>Whether the runner counts the tokens of a stream only where <c>stream_options</c> ask for it.</summary>
    public bool CountsOnlyIfAsked { get; init; }

    /// <summary>Whether a tool of a chat that is no function is taken out: the engine refuses the request for it, or shows it to the model, and nobody could run it.</summary>
    public bool TakesFunctionsOnly { get; init; }

    /// <summary>How the calls are written that the engine leaves in the text.</summary>
    public ToolFormat ToolFormat { get; init; } = ToolFormat.Native;

    /// <summary>Whether the engine overlooks <c>tool_choice</c>; the model is told of it in words, or not given its tools.</summary>
    public bool IgnoresToolChoice { get; init; }

    /// <summary>Whether the engine refuses thoughts in the input of <c>/v1/responses</c> that have no words; they get an empty text.</summary>
    public bool WantsWordsOfThoughts { get; init; }

    /// <summary>The paths that the engine serves for clients; null: only it knows, and says so itself.</summary>
    public IReadOnlySet<string>? Offers { get; init; }
}

/// <summary>Starts a runner for a model and returns once it has proved that it can answer.</summary>
public interface IRunnerLauncher
{
    /// <param name="model">What to launch.</param>
    /// <param name="shape">How much memory it may take.</param>
    /// <param name="launch">The number of this launch, for names and logs.</param>
    /// <param name="cancellationToken">Ends the launch; nothing of it is left when the task completes.</param>
    /// <exception cref="LaunchFailedException">It did not become ready; the message says why and carries the runner's last lines.</exception>
    Task<IRunner> LaunchAsync(ModelSpec model, LaunchShape shape, int launch, CancellationToken cancellationToken);

    /// <summary>Takes over the runners that earlier gateways kept, as far as they are what would be launched today and answer. The others are ended: nothing of them is left when the task completes.</summary>
    /// <param name="catalog">The models of today.</param>
    /// <param name="cancellationToken">Calls it off; those that were not taken over are kept for the next gateway.</param>
    /// <returns>At most one for each model.</returns>
    Task<IReadOnlyList<AdoptedRunner>> AdoptAsync(CatalogSnapshot catalog, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<AdoptedRunner>>([]);
}

/// <summary>A runner that an earlier gateway launched and kept.</summary>
/// <param name="Model">Its model, as the catalog has it today.</param>
/// <param name="Shape">How it was launched.</param>
/// <param name="Runner">The runner.</param>
public sealed record AdoptedRunner(ModelSpec Model, LaunchShape Shape, IRunner Runner);

/// <summary>A runner did not become ready. The message is for people and has no secrets in it.</summary>
public sealed class LaunchFailedException(string message) : Exception(message)
{
    /// <summary>Whether it was ended by SIGKILL, which nobody here had sent.</summary>
    public bool WasKilled { get; init; }
}
