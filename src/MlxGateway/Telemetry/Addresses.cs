using MlxGateway.Supervision.Settings;

namespace MlxGateway.Telemetry;

/// <summary>How a collector's address is written in the configuration.</summary>
internal static class Addresses
{
    /// <summary>Adds them to what can be written.</summary>
    public static TextConverters AddAddresses(this TextConverters converters) =>
        converters.Add("an address", "for example \"http://localhost:4317\"", static (string text, out Uri value) =>
            Uri.TryCreate(text, UriKind.Absolute, out value!) && value.Scheme is "http" or "https");
}
