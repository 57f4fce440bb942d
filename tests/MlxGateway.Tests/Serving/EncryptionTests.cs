using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Serving;

/// <summary>TLS, as the server's own settings ask for it.</summary>
public sealed class EncryptionTests : IDisposable
{
    private const string Password = "of-the-file";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlxgateway-tls-");
    private readonly string _file;
    private readonly string _thumbprint;

    public EncryptionTests()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest("CN=gateway.test", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        _file = Path.Combine(_folder.FullName, "gateway.pfx");
        _thumbprint = made.Thumbprint;
        File.WriteAllBytes(_file, made.Export(X509ContentType.Pkcs12, Password));
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Endpoint_OfTheServersOwnSection_IsServedBesideUrlsWithItsCertificate()
    {
        await using var gateway = await Gateway.StartAsync(
            "\"one\":{\"Runner\":\"demo\",\"Memory\":\"1MB\"}", "", "--Kestrel:Endpoints:Safe:Url", "https://127.0.0.1:0", "--Kestrel:Endpoints:Safe:Certificate:Path", _file, "--Kestrel:Endpoints:Safe:Certificate:Password", Password,
            "--Logging:LogLevel:Microsoft.Hosting.Lifetime", "Information");
        const string Heard = "Now listening on: ";
        await gateway.UntilWrittenAsync($"{Heard}https://");
        var safe = gateway.Output.Split('\n').First(static l => l.Contains($"{Heard}https://", StringComparison.Ordinal));

        var config = await gateway.GetAsync("/api/config");
        Assert.DoesNotContain(Password, config.Text, StringComparison.Ordinal);
        var shown = config.Json.GetProperty("settings").GetProperty("Kestrel").GetProperty("Endpoints").GetProperty("Safe");
        Assert.Equal(("https://127.0.0.1:0", _file, "***"), (shown.Text("Url"), shown.GetProperty("Certificate").Text("Path"), shown.GetProperty("Certificate").Text("Password")));
        Assert.Equal(("command line", "command line"), (config.Json.GetProperty("set_by").Text("Kestrel:Endpoints:Safe:Url"), config.Json.GetProperty("set_by").Text("port")));
        Assert.Equal("http", gateway.Address.Scheme);
        Assert.Equal(200, (await gateway.GetAsync("/health")).Status);
        await AssertServedAsync(new Uri(safe[(safe.IndexOf(Heard, StringComparison.Ordinal) + Heard.Length)..].Trim(' ', '"')));
    }

    [Fact]
    public async Task Urls_WithTheServersDefaultCertificate_AreServedEncrypted()
    {
        await using var gateway = await Gateway.StartAsync(
            "\"one\":{\"Runner\":\"demo\",\"Memory\":\"1MB\"}", "", "--Urls", "https://127.0.0.1:0", "--Kestrel:Certificates:Default:Path", _file, "--Kestrel:Certificates:Default:Password", Password);

        Assert.Equal("https", gateway.Address.Scheme);
        await AssertServedAsync(gateway.Address);
    }

    [Theory]
    [InlineData("--Urls", "https://127.0.0.1:0")] // and no certificate
    [InlineData("--Kestrel:Certificates:Default:Path", "/nowhere/at-all.pfx")]
    [InlineData("--Kestrel:Endpoints:Safe:Url", "https://0.0.0.0:0")]
    [InlineData("--Kestrel:Endpoints:Safe:Url", "not an address")]
    [InlineData("--Kestrel:Endpoints:Safe:Certificate:Path", "")]
    public async Task Mistake_IsOneSentenceWithoutAStackTrace(string key, string value)
    {
        var (code, output) = await Gateway.RunAsync("""{"MlxGateway":{"Discovery":{"HuggingFaceCache":false,"LmStudio":false,"Ollama":false} } }""", "--port", "0", key, value);

        Assert.Equal(78, code);
        Assert.Contains("Kestrel", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WrongPasswordOfTheCertificate_IsAMistakeAndNotTold()
    {
        var (code, output) = await Gateway.RunAsync(
            """{"MlxGateway":{"Discovery":{"HuggingFaceCache":false,"LmStudio":false,"Ollama":false} } }""", "--port", "0", "--Urls", "https://127.0.0.1:0", "--Kestrel:Certificates:Default:Path", _file, "--Kestrel:Certificates:Default:Password", "guessed-wrong");

        Assert.Equal(78, code);
        Assert.DoesNotContain("guessed-wrong", output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
    }

    private async Task AssertServedAsync(Uri address)
    {
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.GetCertHashString() == _thumbprint;
        using var client = new HttpClient(handler) { BaseAddress = address, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

        using var answer = await client.GetAsync(new Uri("/v1/models", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }
}
