using Microsoft.AspNetCore.Http.Extensions;

namespace MlxGateway.Inference;

/// <summary>A request without a body, whose query names the model.</summary>
internal sealed class QueryRequest : InferenceRequest
{
    private readonly QueryString _others;
    private QueryString _query;

    private QueryRequest(InferenceRoute route, string? model, QueryString query)
        : base(route)
    {
        Model = model;
        _query = _others = query;
    }

    /// <inheritdoc/>
    public override string? Model { get; }

    /// <inheritdoc/>
    public override string Method => HttpMethods.Get;

    /// <summary>What else the client said there.</summary>
    public override QueryString Query => _query;

    /// <inheritdoc/>
    public override long BodyLength => 0;

    /// <inheritdoc/>
    public override string? ContentType => null;

    /// <summary>Reads the query. Exactly one of the two results is there.</summary>
    public static (InferenceRequest? Request, GatewayError? Error) Read(HttpRequest http, InferenceRoute route)
    {
        var models = http.Query["model"];
        if (models.Count > 1)
        {
            return (null, GatewayError.InvalidRequest("The query names 'model' twice.", "model"));
        }

        var others = new QueryBuilder(http.Query.Where(static p => p.Key != "model"));
        return (new QueryRequest(route, models.Count == 0 ? null : models[0], others.ToQueryString()), null);
    }

    /// <inheritdoc/>
    public override string IdentityFor(string model) => $"{Route.Path}\n{model}\n{_others}";

    // A runner serves one model, and most do not look for its name in a query.
    /// <inheritdoc/>
    public override void NameModel(string name) => _query = Route.TellsModel ? _others.Add("model", name) : _others;

    /// <inheritdoc/>
    public override OutgoingBody OpenBody() => new SplicedStream(default, []);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
    }
}
