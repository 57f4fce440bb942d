using MlxGateway.Hosting;
using Xunit;

namespace MlxGateway.Tests.Hosting;

/// <summary>Changes the variables of the whole process, so it runs by itself.</summary>
[Collection(nameof(TheProcess))]
public sealed class GatewayConfigurationTests : IDisposable
{
    private readonly Dictionary<string, string?> _before = [];
    private readonly string _file = Path.Combine(Path.GetTempPath(), $"mlxgateway-{Guid.NewGuid():N}.json");

    [Fact]
    public void Read_Variable_NeedsNoSectionInFront()
    {
        Set("MLXGATEWAY_DEFAULTMODEL", "one");
        Set("MLXGATEWAY_Residency__MaxResident", "3");
        Set("MLXGATEWAY_MlxGateway__Residency__QueueLimit", "7");
        Set("MLXGATEWAY_Models__coder__Runner", "command");
        Set("MLXGATEWAY_Models__coder__Command__0", "my-server");
        var options = Read().Options;

        Assert.Equal(("one", 3, 7), (options.DefaultModel, options.Residency.MaxResident, options.Residency.QueueLimit));
        Assert.Equal(["my-server"], options.Models["coder"].Command);
    }

    [Fact]
    public void Read_VariablesOfTheRoot_AreTakenToo()
    {
        Set("MLXGATEWAY_PORT", "4321");
        Set("MLXGATEWAY_MODEL", "vision");

        Assert.All(Read().Addresses, a => Assert.Equal(4321, a.Port));
        Assert.Equal("vision", Read().FirstModel);
    }

    [Fact]
    public void Read_FrameworksVariables_StandBehindOurs()
    {
        Set("ASPNETCORE_URLS", "http://127.0.0.1:4001");

        Assert.All(Read().Addresses, a => Assert.Equal(4001, a.Port));

        Set("MLXGATEWAY_URLS", "http://127.0.0.1:4002");

        Assert.All(Read().Addresses, a => Assert.Equal(4002, a.Port));
    }

    [Fact]
    public void Read_MarksThatAGatewayGivesItsChildren_AreHarmless()
    {
        Set("MLXGATEWAY_MARK", Guid.NewGuid().ToString("N"));
        Set("MLXGATEWAY_CHILD", "1.2");

        Assert.Null(Read().Options.DefaultModel);
    }

    [Fact]
    public void Read_UnknownKeyFromAVariable_IsAMistake()
    {
        Set("MLXGATEWAY_Residency__MaxResidents", "3");
        var (configuration, failure) = GatewayConfiguration.Read([]);

        Assert.Null(configuration);
        Assert.Equal(78, failure!.ExitCode);
        Assert.Contains(failure.Sentences, s => s.Contains("MlxGateway:Residency:MaxResidents", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public void Read_Sources_LaterOnesWin()
    {
        File.WriteAllText(_file, """{ "Urls": "http://localhost:5001", "MlxGateway": { "DefaultModel": "file", "Residency": { "MaxResident": 5 } } }""");

        Assert.Equal(("file", 5), (Read("--config", _file).Options.DefaultModel, Read("--config", _file).Options.Residency.MaxResident));

        Set("MLXGATEWAY_DefaultModel", "variable");

        Assert.Equal("variable", Read("--config", _file).Options.DefaultModel);
        Assert.Equal("switch", Read("--config", _file, "--MlxGateway:DefaultModel=switch").Options.DefaultModel);
        Assert.Equal([5001, 5001], Read("--config", _file).Addresses.Select(a => a.Port));
        Assert.Equal([6001, 6001], Read("--config", _file, "--port", "6001").Addresses.Select(a => a.Port));
    }

    [Theory]
    [InlineData("{ \"MlxGateway\": ", "not valid JSON")]
    [InlineData("", "not valid JSON")]
    [InlineData("[]", "not valid JSON")]
    public void Read_BrokenFile_IsAMistakeAndNotAStackTrace(string text, string says)
    {
        File.WriteAllText(_file, text);
        var failure = GatewayConfiguration.Read(["--config", _file]).Failure!;

        Assert.Equal(78, failure.ExitCode);
        Assert.Contains(_file, failure.Sentences[1], StringComparison.Ordinal);
        Assert.Contains(says, failure.Sentences[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Read_FileThatIsNotThere_IsAMistake() =>
        Assert.Contains("does not exist", GatewayConfiguration.Read(["--config", _file]).Failure!.Sentences[1], StringComparison.Ordinal);

    [Fact]
    public void Read_SeveralMistakes_AreSaidTogether()
    {
        Set("MLXGATEWAY_Residency__MaxResident", "many");
        Set("MLXGATEWAY_Memory__Reserve", "lots");
        var failure = GatewayConfiguration.Read(["--port", "x"]).Failure!;

        Assert.Equal("MlxGateway does not start: the configuration has 3 mistakes.", failure.Sentences[0]);
        Assert.Equal(4, failure.Sentences.Count);
    }

    [Fact]
    public void Read_MistakesOfValuesAndOfModels_AreSaidTogetherAndEachOnce()
    {
        File.WriteAllText(_file, """
            {"MlxGateway":{"Bogus":1,"Models":{
              "one":{"Runner":"nope"},
              "two":{"Runner":"demo","Memory":"much","Aliases":["same"]},
              "three":{"Runner":"command","Command":["x"],"Aliases":["same"]},
              "four":{"Source":["a"]}}}}
            """);
        var said = string.Join('\n', GatewayConfiguration.Read(["--config", _file]).Failure!.Sentences);

        foreach (var key in new[] { "MlxGateway:Bogus", "Models:one:Runner", "Models:two:Memory", "Models:two:Aliases", "Models:three:Command" })
        {
            Assert.Contains(key, said, StringComparison.Ordinal);
        }

        Assert.Single(said.Split('\n'), line => line.Contains("Models:four", StringComparison.Ordinal));
    }

    public void Dispose()
    {
        foreach (var (name, value) in _before)
        {
            Environment.SetEnvironmentVariable(name, value);
        }

        File.Delete(_file);
    }

    private static GatewayConfiguration Read(params string[] args)
    {
        var (configuration, failure) = GatewayConfiguration.Read(args);
        Assert.True(configuration is not null, string.Join('\n', failure?.Sentences ?? []));
        return configuration;
    }

    private void Set(string name, string? value)
    {
        _before.TryAdd(name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
    }
}

/// <summary>Tests that change the process itself; nothing runs beside them.</summary>
[CollectionDefinition(nameof(TheProcess), DisableParallelization = true)]
public sealed class TheProcess;
