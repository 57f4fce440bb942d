using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners;

namespace MlxGateway.Inference;

/// <summary>The client's request, read once and checked, together with the edits that make it fit for the runner.</summary>
internal abstract class InferenceRequest(InferenceRoute route) : IDisposable
{
    /// <summary>The route that it came by.</summary>
    public InferenceRoute Route { get; } = route;

    /// <summary>The model that the client named, or null.</summary>
    public abstract string? Model { get; }

    /// <summary>Whether the client wants a stream.</summary>
    public virtual bool Stream => false;

    /// <summary>How long it wants its model to stay; null: it does not say.</summary>
    public virtual TimeSpan? KeepAlive => null;

    /// <summary>The method that the runner is asked with.</summary>
    public virtual string Method => HttpMethods.Post;

    /// <summary>The path at the runner.</summary>
    public virtual string RunnerPath => Route.RunnerPath;

    /// <summary>The query that the runner gets, with its question mark. Most get none: some engines know no path that has one.</summary>
    public virtual QueryString Query => default;

    /// <summary>Whether the runner's answer is passed on byte by byte as it comes, whatever it is.</summary>
    public virtual bool IsPassedThrough => false;

    /// <summary>How long the body was.</summary>
    public abstract long BodyLength { get; }

    /// <summary>The type of the body as the runner gets it; null: there is none.</summary>
    public virtual string? ContentType => "application/json";

    /// <summary>By what a repetition of this request is recognised: a digest of its route, the model and every byte of the body as the client sent it. Reads the whole body.</summary>
    public abstract string IdentityFor(string model);

    /// <summary>Makes the request name this model when it is sent on. The last name counts.</summary>
    public abstract void NameModel(string name);

    /// <summary>Whether the body has the shape of work that nobody waits for.</summary>
    public virtual bool LooksLikeBackgroundWork() => false;

    /// <summary>Makes the body fit for an engine and what the configuration wants of it. Returns what is wrong with it, if it cannot be.</summary>
    public virtual GatewayError? Shape(RequestRules rules, RequestFields fields) => null;

    /// <summary>Undoes all that was done to it, so that it can be shaped for another model.</summary>
    public virtual void Reset()
    {
    }

    /// <summary>Makes the body ask for a stream although the client did not. False: it cannot, because what the client wants does not come in streams.</summary>
    public virtual bool AskForStream() => false;

    /// <summary>The body as the runner gets it. May be opened again for a second attempt.</summary>
    public abstract OutgoingBody OpenBody();

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back what it holds.</summary>
    protected abstract void Dispose(bool disposing);
}
