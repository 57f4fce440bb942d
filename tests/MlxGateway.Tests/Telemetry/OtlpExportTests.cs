using System.Collections;
using MlxGateway.Supervision.Settings;
using MlxGateway.Telemetry;
using MlxGateway.Telemetry.Otlp;
using Xunit;

namespace MlxGateway.Tests.Telemetry;

/// <summary>Whether something is sent, and where.</summary>
public sealed class OtlpExportTests
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    [Fact]
    public void Settings_NothingIsNamed_NothingIsSent()
    {
        Assert.Null(OtlpExport.Settings(new OtlpOptions(), new Hashtable { ["OTEL_SERVICE_NAME"] = "mine", ["PATH"] = "/bin", [Endpoint] = "" }));
    }

    [Theory]
    [InlineData(Endpoint)]
    [InlineData("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")]
    public void Settings_AStandardVariableNamesACollector_ItIsSent(string name)
    {
        var settings = OtlpExport.Settings(new OtlpOptions(), new Hashtable { [name] = "http://c:4317", ["OTEL_EXPORTER_OTLP_TIMEOUT"] = "500", ["SECRET"] = "x" })!;

        Assert.Equal(("http://c:4317", "500", "grpc", "mlxgateway"), (settings[name], settings["OTEL_EXPORTER_OTLP_TIMEOUT"], settings["OTEL_EXPORTER_OTLP_PROTOCOL"], settings["OTEL_SERVICE_NAME"]));
        Assert.False(settings.ContainsKey("SECRET"));
    }

    [Fact]
    public void Settings_BothSayIt_TheVariablesComeFirst()
    {
        var options = new OtlpOptions { Endpoint = new Uri("http://file:4318/"), Protocol = OtlpProtocol.HttpProtobuf, Headers = "a=b", ServiceName = "file" };

        var alone = OtlpExport.Settings(options, new Hashtable())!;
        Assert.Equal(("http://file:4318/", "http/protobuf", "a=b", "file"), (alone[Endpoint], alone["OTEL_EXPORTER_OTLP_PROTOCOL"], alone["OTEL_EXPORTER_OTLP_HEADERS"], alone["OTEL_SERVICE_NAME"]));

        var both = OtlpExport.Settings(options, new Hashtable { [Endpoint] = "http://variable:4317", ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc", ["OTEL_SERVICE_NAME"] = "variable" })!;
        Assert.Equal(("http://variable:4317", "grpc", "a=b", "variable"), (both[Endpoint], both["OTEL_EXPORTER_OTLP_PROTOCOL"], both["OTEL_EXPORTER_OTLP_HEADERS"], both["OTEL_SERVICE_NAME"]));
    }

    [Fact]
    public void Settings_TheSdkIsDisabled_NothingIsSent() =>
        Assert.Null(OtlpExport.Settings(new OtlpOptions { Endpoint = new Uri("http://c:4317") }, new Hashtable { ["OTEL_SDK_DISABLED"] = "TRUE" }));

    [Theory]
    [InlineData("a=b", true)]
    [InlineData("a=b,c=d==", true)]
    [InlineData("s3cret", false)]
    [InlineData("a=b,", false)]
    [InlineData("=b", false)]
    public void Check_HeadersThatAreNone_AreAMistakeThatDoesNotShowThem(string headers, bool isGood)
    {
        var errors = new SettingsErrors();
        OtlpExport.Check(new OtlpOptions { Headers = headers }, errors);

        Assert.Equal(isGood, !errors.Any);
        Assert.DoesNotContain("s3cret", string.Join(' ', errors.All), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(100, true)]
    [InlineData(-1, false)]
    public void Check_FewerTracesThanNone_AreAMistake(int perSecond, bool isGood)
    {
        var errors = new SettingsErrors();
        OtlpExport.Check(new OtlpOptions { TracesPerSecond = perSecond }, errors);

        Assert.Equal(isGood, !errors.Any);
    }
}
