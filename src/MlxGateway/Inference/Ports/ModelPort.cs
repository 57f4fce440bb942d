using System.Diagnostics.CodeAnalysis;
using MlxGateway.Supervision.Downloads;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference.Ports;

/// <summary>A port on which one model is served as if it had a server of its own. A feature of every connection that came in there, and so of each of its requests.</summary>
/// <param name="number">The port.</param>
/// <param name="modelId">The id of the model.</param>
[SuppressMessage("Design", "CA1001", Justification = "A cancellation source without a timer holds nothing that must be freed, and connections outlive the port.")]
internal sealed class ModelPort(int number, string modelId)
{
    private volatile string _modelId = modelId;
    private volatile string? _trouble;
    private volatile DownloadStatus? _download;
    private readonly CancellationTokenSource _closed = new();

    /// <summary>The port.</summary>
    public int Number { get; } = number;

    /// <summary>The id of the model that is served there, whatever model a request names.</summary>
    public string ModelId { get => _modelId; set => _modelId = value; }

    /// <summary>Why its model could not be loaded when it was last tried; null: it could, or nobody has tried.</summary>
    public string? Trouble { get => _trouble; set => _trouble = value; }

    /// <summary>How the download of its model stands, where it was launched before its model was here; null: its model was, or is by now.</summary>
    public DownloadStatus? Download { get => _download; set => _download = value; }

    /// <summary>Whether it is opened again at the next start.</summary>
    public bool IsRemembered { get; set; }

    /// <summary>Whether nothing is served there any more. Connections that were open then still are.</summary>
    public bool IsClosed => _closed.IsCancellationRequested;

    /// <summary>Cancelled when it is closed.</summary>
    public CancellationToken Closed => _closed.Token;

    /// <summary>Where clients find it.</summary>
    public Uri Address => new UriBuilder(Uri.UriSchemeHttp, "127.0.0.1", Number, "v1").Uri;

    /// <summary>The port that a request came in by; null: by the gateway's own address.</summary>
    public static ModelPort? Of(HttpContext context) => context.Features.Get<ModelPort>();

    /// <summary>Who is shown what by the list of models: at such a port everybody is shown the one model, as far as they may be.</summary>
    public static ICaller? CallerOf(HttpContext context)
    {
        var caller = context.Features.Get<ICaller>();
        return Of(context) is { } port ? new Visitor(port.ModelId, caller) : caller;
    }

    /// <summary>Ends it.</summary>
    public void Close() => _closed.Cancel();

    private sealed class Visitor(string modelId, ICaller? caller) : ICaller
    {
        public string Name => caller?.Name ?? "";

        public bool MaySteer => caller?.MaySteer != false;

        public bool MayUse(ModelSpec model) => model.Id == modelId && caller?.MayUse(model) != false;
    }
}
