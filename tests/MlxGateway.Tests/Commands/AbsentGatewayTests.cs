using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Commands;

/// <summary>Where no gateway is, and where its place is told.</summary>
public sealed class AbsentGatewayTests
{
    [Theory]
    [InlineData("ps")]
    [InlineData("models")]
    [InlineData("show", "x")]
    [InlineData("explain")]
    [InlineData("requests")]
    [InlineData("logs")]
    [InlineData("logs", "-f")]
    [InlineData("load", "x")]
    [InlineData("unload", "x")]
    [InlineData("cancel", "x")]
    [InlineData("search", "x")]
    [InlineData("pull", "x/y")]
    [InlineData("run", "x", "Hello")]
    [InlineData("connect", "codex")]
    [InlineData("config", "show")]
    public async Task Verb_WithoutAGateway_Is69AndSaysHowToStartOne(params string[] args)
    {
        using var port = new SilentPort();

        var told = await Cli.RunAsync([.. args, "--url", $"http://127.0.0.1:{port.Number}"]);

        Assert.Equal(new Told(69, "", $"No gateway answers at http://127.0.0.1:{port.Number}. Start it with: MlxGateway serve --port {port.Number}\n"), told);
    }

    [Fact]
    public async Task Place_IsTheLinesThenTheEnvironmentsThenTheConfigurations()
    {
        var place = new Place { Variables = { ["MLXGATEWAY_URL"] = "http://127.0.0.1:1" } };

        Assert.Contains("127.0.0.1:2.", (await Cli.RunAsync(["ps", "--url", "127.0.0.1:2/v1/"], place)).Error, StringComparison.Ordinal);
        Assert.Contains("127.0.0.1:1.", (await Cli.RunAsync(["ps"], place)).Error, StringComparison.Ordinal);
        Assert.Contains("127.0.0.1:3.", (await Cli.RunAsync(["ps", "--port", "3"], place)).Error, StringComparison.Ordinal);

        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, """{"Urls":"http://*:4","MlxGateway":{"Access":{"AllowAnonymousNetwork":true}}}""", TestContext.Current.CancellationToken);
        Assert.Contains("127.0.0.1:4.", (await Cli.RunAsync(["ps", "--config", file], place)).Error, StringComparison.Ordinal);
        File.Delete(file);
    }

    [Fact]
    public async Task Configuration_ThatCannotBeRead_Is78()
    {
        var told = await Cli.RunAsync("ps", "--config", "/nowhere/config.json");

        Assert.Equal(78, told.ExitCode);
        Assert.Contains("/nowhere/config.json does not exist", told.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stranger_ThatIsNoGateway_IsToldFromOne()
    {
        await using var stranger = await Stranger.AnswerAsync("<html>Hello</html>");

        var told = await Cli.RunAsync("ps", "--url", stranger.Address);

        Assert.Equal(69, told.ExitCode);
        Assert.Contains("no MlxGateway", told.Error, StringComparison.Ordinal);
    }
}
