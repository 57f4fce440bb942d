using MlxGateway.Supervision.Downloads;

namespace MlxGateway.Inference.Downloading;

/// <summary>The one place where what goes wrong with the Hub becomes HTTP statuses.</summary>
internal static class DownloadFailures
{
    /// <summary>The error of a download that is over without a model.</summary>
    public static GatewayError Of(DownloadStatus status) => status.State == DownloadState.Cancelled
        ? new GatewayError(StatusCodes.Status499ClientClosedRequest, "download_cancelled", $"The download of '{status.Id}' was ended. What has come is kept, and the next one goes on from there.") { Param = "model" }
        : Of(status.Code ?? "download_failed", $"'{status.Id}' could not be fetched: {status.Error}");

    /// <summary>The error of a kind of failure.</summary>
    public static GatewayError Of(string code, string message) => new(StatusOf(code), code, message) { Param = "model" };

    private static int StatusOf(string code) => code switch
    {
        "invalid_request" or "hub_no_model" or "hub_no_quantisation" => StatusCodes.Status400BadRequest,
        "hub_gated" or "hub_forbidden" => StatusCodes.Status403Forbidden,
        "hub_not_found" => StatusCodes.Status404NotFound,
        "hub_client_missing" or "hub_offline" => StatusCodes.Status501NotImplemented,
        "hub_unreachable" or "hub_refused" or "hub_checksum" => StatusCodes.Status502BadGateway,
        DownloadStatus.ShuttingDown => StatusCodes.Status503ServiceUnavailable,
        "insufficient_disk" => StatusCodes.Status507InsufficientStorage,
        _ => StatusCodes.Status500InternalServerError,
    };
}
