using System.Net;

namespace MlxGateway.Commands;

/// <summary>What the commands need of rooms that they do not see; the program hands it in.</summary>
internal sealed record House
{
    /// <summary>Serves with these switches until it is told to stop, and returns the exit code.</summary>
    public required Func<string[], Task<int>> Serve { get; init; }

    /// <summary>Reads where a gateway with these switches listens, and nothing else.</summary>
    public required Func<string[], ListeningPlace> Place { get; init; }

    /// <summary>Reads the whole configuration with these switches, as a start would.</summary>
    public required Func<string[], ConfigurationReport> Configuration { get; init; }

    /// <summary>Relays MCP between standard input and output and the gateway: its address, the key, and what starts one and says where it listens. Null: this build has no such room.</summary>
    public Func<Uri, string?, Func<CancellationToken, Task<Uri>>, CancellationToken, Task<int>>? Mcp { get; init; }
}

/// <summary>Where a gateway listens, as it is configured.</summary>
/// <param name="Address">The address for programs of this machine; null: it cannot be told.</param>
/// <param name="Mistakes">Why, one line each.</param>
internal sealed record ListeningPlace(Uri? Address, IReadOnlyList<string> Mistakes);

/// <summary>What a start would read.</summary>
/// <param name="Files">The files, whether they exist or not.</param>
/// <param name="Mistakes">Every mistake, one line each.</param>
/// <param name="Listens">What it would listen on; empty where that is not readable.</param>
/// <param name="StateFolder">The folder of what is to be remembered.</param>
/// <param name="ModelFolder">The folder of the Hugging Face cache.</param>
/// <param name="Cellar">Engines and memory, as they are configured; by their defaults where that is not readable. Whoever asked disposes it.</param>
internal sealed record ConfigurationReport(
    IReadOnlyList<string> Files, IReadOnlyList<string> Mistakes, IReadOnlyList<IPEndPoint> Listens, string StateFolder, string ModelFolder, IServiceProvider Cellar) : IAsyncDisposable
{
    /// <summary>How many models the configuration names.</summary>
    public int Models { get; init; }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Cellar is IAsyncDisposable cellar ? cellar.DisposeAsync() : ValueTask.CompletedTask;
}
