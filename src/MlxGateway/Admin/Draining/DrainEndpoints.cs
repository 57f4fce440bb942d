using MlxGateway.Inference;
using MlxGateway.Inference.Describing;
using MlxGateway.Supervision.Residency;

namespace MlxGateway.Admin.Draining;

/// <summary>How somebody has the gateway finish its work before it is stopped, and go on after all.</summary>
internal static class DrainEndpoints
{
    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapPost("/api/drain", Drain).Says("Admin", "Takes no new requests from now on and finishes those that are being served; nothing is unloaded")
            .Answers<DrainAnswer>("""{"status":"draining","in_flight":2}""");
        app.MapPost("/api/resume", Resume).Says("Admin", "Takes requests again after a drain")
            .Answers<DrainAnswer>("""{"status":"ok","in_flight":0}""")
            .Fails(StatusCodes.Status503ServiceUnavailable, "shutting_down", "The gateway is being stopped, and there is no way back from that");
    }

    private static IResult Drain(Intake intake, RequestsInFlight inFlight)
    {
        intake.IsClosed = true;
        return Answer("draining", inFlight);
    }

    private static IResult Resume(Intake intake, IModelPool pool, RequestsInFlight inFlight)
    {
        if (pool.Snapshot.IsShuttingDown)
        {
            return new ErrorResult(new GatewayError(StatusCodes.Status503ServiceUnavailable, "shutting_down", "The gateway is being stopped, and there is no way back from that."));
        }

        intake.IsClosed = false;
        return Answer("ok", inFlight);
    }

    private static IResult Answer(string status, RequestsInFlight inFlight) => Results.Json(new DrainAnswer(status, inFlight.All.Count()), AdminJson.Readable.DrainAnswer);
}

/// <summary>Whether new work is taken.</summary>
/// <param name="Status"><c>ok</c> or <c>draining</c>.</param>
/// <param name="InFlight">How many requests are being served.</param>
internal sealed record DrainAnswer(string Status, int InFlight);
