using MlxGateway.Supervision.Runners;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

/// <summary>Changes the variables of the whole process, so it runs by itself.</summary>
[Collection(nameof(TheProcess))]
public sealed class RunnerEnvironmentTests : IDisposable
{
    private readonly Dictionary<string, string?> _before = [];

    [Theory]
    [InlineData("MLXGATEWAY_MARK")]
    [InlineData("MLXGATEWAY_PORT")]
    [InlineData("MlxGateway__Residency__MaxResident")]
    [InlineData("ASPNETCORE_URLS")]
    [InlineData("ASPNETCORE_ENVIRONMENT")]
    [InlineData("DOTNET_URLS")]
    [InlineData("DOTNET_ENVIRONMENT")]
    [InlineData("URLS")]
    [InlineData("Kestrel__Endpoints__Http__Url")]
    [InlineData("Logging__LogLevel__Default")]
    [InlineData("HF_TOKEN")]
    [InlineData("OPENAI_API_KEY")]
    [InlineData("openai_apikey")]
    [InlineData("AWS_SECRET_ACCESS_KEY")]
    [InlineData("GITHUB_TOKENS")]
    [InlineData("DB_PASSWORD")]
    [InlineData("PGPASSWORD")]
    [InlineData("GOOGLE_APPLICATION_CREDENTIALS")]
    [InlineData("LLAMA_API_KEY")]
    [InlineData("OTEL_EXPORTER_OTLP_HEADERS")]
    [InlineData("OTEL_SERVICE_NAME")]
    public void Cleaned_SettingOrSecret_IsNotHandedOn(string name)
    {
        Set(name, "value");

        Assert.DoesNotContain(name, RunnerEnvironment.Cleaned().Keys);
    }

    [Theory]
    [InlineData("PATH")]
    [InlineData("HF_HOME")]
    [InlineData("TOKENIZERS_PARALLELISM")]
    [InlineData("LLAMA_ARG_THREADS")]
    [InlineData("DOTNET_ROOT")]
    [InlineData("CURLS")]
    [InlineData("MONKEY_BUSINESS")]
    [InlineData("KEYBOARD")]
    [InlineData("CUDA_VISIBLE_DEVICES")]
    public void Cleaned_OrdinaryVariable_IsHandedOn(string name)
    {
        Set(name, Environment.GetEnvironmentVariable(name) ?? "value");

        Assert.Equal(Environment.GetEnvironmentVariable(name), RunnerEnvironment.Cleaned()[name]);
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("${MLXTEST_A}", "one")]
    [InlineData("/opt:${MLXTEST_A}:${MLXTEST_A}/x", "/opt:one:one/x")]
    [InlineData("${MLXTEST_NOT_SET}", "")]
    [InlineData("$MLXTEST_A ${} ${1A} ${A B} $${", "$MLXTEST_A ${} ${1A} ${A B} $${")]
    [InlineData("${MLXTEST_NESTED}", "${MLXTEST_A}")] // once is enough: nobody's value is a program
    public void Expand_References_AreTheGatewaysOwn(string value, string expected)
    {
        Set("MLXTEST_A", "one");
        Set("MLXTEST_NESTED", "${MLXTEST_A}");

        Assert.Equal(expected, RunnerEnvironment.Expand(value));
    }

    [Fact]
    public void For_KindAndModel_StandOnTopInThatOrder()
    {
        Set("HF_TOKEN", "from-the-gateway");
        Set("MLXTEST_A", "one");
        var all = RunnerEnvironment.For(
            new Dictionary<string, string> { ["MLXTEST_A"] = "of the kind", ["MLXTEST_B"] = "${MLXTEST_A}" },
            new Dictionary<string, string> { ["MLXTEST_A"] = "${MLXTEST_A} and more", ["HF_TOKEN"] = "${HF_TOKEN}" });

        // Who writes a secret into a model's variables means it to get there.
        Assert.Equal(("one and more", "${MLXTEST_A}", "from-the-gateway"), (all["MLXTEST_A"], all["MLXTEST_B"], all["HF_TOKEN"]));
    }

    public void Dispose()
    {
        foreach (var (name, value) in _before)
        {
            Environment.SetEnvironmentVariable(name, value);
        }
    }

    private void Set(string name, string value)
    {
        _before.TryAdd(name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
    }
}

/// <summary>Tests that change the process itself; nothing runs beside them.</summary>
[CollectionDefinition(nameof(TheProcess), DisableParallelization = true)]
public sealed class TheProcess;
