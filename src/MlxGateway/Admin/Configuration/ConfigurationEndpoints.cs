using MlxGateway.Inference;
using MlxGateway.Inference.Describing;

namespace MlxGateway.Admin.Configuration;

/// <summary>The configuration as it is in force, and its reading anew.</summary>
internal static class ConfigurationEndpoints
{
    public static void Map(IEndpointRouteBuilder app)
    {
        app.MapGet("/api/config", (IGatewaySettings settings) => Results.Json(settings.Describe(), AdminJson.Readable.SettingsAnswer))
            .Says("Admin", "Shows the configuration that is in force, with every default and without secrets, and where each key comes from")
            .Answers<SettingsAnswer>("""{"settings":{"Urls":["http://127.0.0.1:1234"],"MlxGateway":{"Residency":{"MaxResident":1}}},"files":[{"path":"/opt/mlxgateway/appsettings.json","exists":true}],"set_by":{"MlxGateway:Residency:MaxResident":"/opt/mlxgateway/appsettings.json"},"at_next_start":[]}""");
        app.MapPost("/api/config/reload", Reload)
            .Says("Admin", "Reads the configuration again; with a mistake anywhere, everything stays as it was")
            .Answers<ReloadAnswer>("""{"status":"ok","changed":["MlxGateway:Residency:MaxResident"],"at_next_start":[]}""")
            .Fails(StatusCodes.Status400BadRequest, "invalid_configuration", "Something in it is wrong; the message has every mistake");
    }

    private static IResult Reload(IGatewaySettings settings)
    {
        var outcome = settings.Reload();
        return outcome.Mistakes.Count == 0
            ? Results.Json(new ReloadAnswer("ok", outcome.Changed, outcome.AtNextStart), AdminJson.Readable.ReloadAnswer)
            : new ErrorResult(new GatewayError(StatusCodes.Status400BadRequest, "invalid_configuration", $"The configuration is not taken, and everything stays as it was.\n{string.Join('\n', outcome.Mistakes)}"));
    }
}
