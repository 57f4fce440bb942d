using System.Text;
using Microsoft.Extensions.Configuration;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Residency;
using MlxGateway.Supervision.Runners;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Supervision.Tests.Settings;

/// <summary>The options of this storey, as people write them.</summary>
public sealed class ContractTests
{
    [Fact]
    public void Bind_EveryKeyWrittenOut_IsTheDefaultItStandsFor()
    {
        var all = Bind("""
            {
              "Discovery": { "HuggingFaceCache": true, "Folders": [] },
              "Engines":   { "mlx_lm": { "Python": "auto" }, "mlx_vlm": { "Python": "auto" }, "mlc_llm": { "Python": "auto" }, "llama_server": { "Executable": "auto" } },
              "Memory":    { "Budget": "auto", "Reserve": "3GB", "DefaultRequirement": "4GB" },
              "Residency": { "MaxResident": 1, "IdleTimeout": "00:30:00", "SwapPatience": "auto", "DrainTimeout": "00:10:00",
                             "LaunchTimeout": "00:10:00", "QueueLimit": 512, "Cooldown": "00:00:10", "OnExit": "Stop" },
              "Models": {}
            }
            """);

        Assert.Equivalent(new All(), all, strict: true);
    }

    [Fact]
    public void Bind_ModelsWrittenOut_AreRead()
    {
        var all = Bind("""
            {
              "Engines": { "llama_server": { "Executable": "/opt/llama-server" } },
              "Memory": { "Budget": "16GB" },
              "Residency": { "SwapPatience": "00:00:07", "OnExit": "keep" },
              "Models": {
                "vision": { "Source": "mlx-community/gemma-3-4b-it-4bit", "Runner": "mlx_vlm", "Aliases": [ "gpt-4o-mini" ] },
                "org/coder": { "Memory": "18GB", "Args": [ "--prompt-cache-size", "4" ], "Env": { "PATH": "/opt/tools:${PATH}" }, "MaxConcurrency": 4, "IdleTimeout": "02:00:00" },
                "custom": { "Runner": "command", "Command": [ "my-server", "--port", "{port}" ], "ReadyPath": "/health", "UpstreamModel": "anything", "Pinned": true }
              }
            }
            """);

        Assert.Equal("/opt/llama-server", all.Engines.LlamaServer.Executable);
        Assert.Equal(ByteSize.FromGigabytes(16), all.Memory.Budget);
        Assert.Equal((TimeSpan.FromSeconds(7), OnExit.Keep), (all.Residency.SwapPatience, all.Residency.OnExit));
        Assert.Equal(["custom", "org/coder", "vision"], all.Models.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(["gpt-4o-mini"], all.Models["vision"].Aliases);
        Assert.Equal(ByteSize.FromGigabytes(18), all.Models["org/coder"].Memory);
        Assert.Equal("/opt/tools:${PATH}", all.Models["org/coder"].Env["PATH"]);
        Assert.Equal(["my-server", "--port", "{port}"], all.Models["custom"].Command);
        Assert.True(all.Models["custom"].Pinned);
    }

    private static All Bind(string json)
    {
        var errors = new SettingsErrors();
        var configuration = new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes($$"""{ "MlxGateway": {{json}} }"""))).Build();
        var all = StrictBinder.Bind<All>(configuration.GetSection("MlxGateway"), errors, new TextConverters().AddSizes());
        Assert.Empty(errors.All);
        return all;
    }

    public sealed class All
    {
        public DiscoveryOptions Discovery { get; set; } = new();

        public EngineOptions Engines { get; set; } = new();

        public MemoryOptions Memory { get; set; } = new();

        public ResidencyOptions Residency { get; set; } = new();

        public Dictionary<string, ModelOptions> Models { get; set; } = new(StringComparer.Ordinal);
    }
}
