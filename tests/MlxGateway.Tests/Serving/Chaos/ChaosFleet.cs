using MlxGateway.Tests.Engines;

namespace MlxGateway.Tests.Serving.Chaos;

/// <summary>A model of the fleet.</summary>
/// <param name="Id">Its id.</param>
/// <param name="IsDemo">Whether its runner obeys the <c>demo</c> object of a request.</param>
/// <param name="Entry">The members of its configuration, as JSON.</param>
internal sealed record ChaosModel(string Id, bool IsDemo, string Entry);

/// <summary>Five models of which two fit into memory at once, and the configurations under which they are served.</summary>
internal sealed class ChaosFleet : IDisposable
{
    /// <summary>The largest body that the gateway takes here, in bytes.</summary>
    public const int BodyLimit = 256 * 1024;

    /// <summary>The model that some configurations do not have.</summary>
    public const string Guest = "guest";

    /// <summary>How many configurations there are.</summary>
    public const int Variants = 6;

    private readonly DirectoryInfo _files;
    private readonly string _engines;

    private ChaosFleet(IReadOnlyList<ChaosModel> models, DirectoryInfo files, string engines)
    {
        Models = models;
        _files = files;
        _engines = engines;
    }

    /// <summary>The models.</summary>
    public IReadOnlyList<ChaosModel> Models { get; }

    /// <summary>Puts it together from demonstration runners, and from real engines in the places of two where they are.</summary>
    /// <param name="withSlowEngines">Whether engines may take part that need a second to start.</param>
    public static async Task<ChaosFleet> AssembleAsync(bool withSlowEngines)
    {
        var files = Directory.CreateTempSubdirectory("mlxgateway-chaos-");
        var engines = new List<string>();
        List<ChaosModel> models =
        [
            Demo("alpha"),
            Demo("beta", ",\"MaxConcurrency\":4,\"Args\":[\"--spawn-child\",\"--spawn-escaped\"]"),
            Demo(Guest),
        ];
        if (TinyModels.CanServeGguf)
        {
            engines.Add($"\"llama_server\":{{\"Executable\":\"{TinyModels.LlamaServer}\"}}");
            await AddTinyAsync("tiny-a.gguf", "");
        }

        if (withSlowEngines && TinyModels.CanServeMlx)
        {
            engines.Add($"\"mlx_lm\":{{\"Python\":\"{TinyModels.MlxPython("MLXGATEWAY_TEST_MLX_PYTHON")}\"}}");
            await AddTinyAsync("tiny-m", ",\"Runner\":\"mlx_lm\",\"Env\":{\"MLX_DISABLE_COMPILE\":\"1\"}");
        }

        models.AddRange(new[] { "gamma", "delta" }.Take(5 - models.Count).Select(id => Demo(id)));
        return new ChaosFleet(models, files, engines.Count > 0 ? $"\"Engines\":{{{string.Join(',', engines)}}}," : "");

        async Task AddTinyAsync(string file, string rest)
        {
            var path = Path.Combine(files.FullName, file);
            await TinyModels.WriteAsync(path);
            models.Add(new ChaosModel(Path.GetFileNameWithoutExtension(file), false, $"\"Source\":\"{path}\",\"Memory\":\"200MB\"{rest}"));
        }
    }

    /// <summary>The members of <c>MlxGateway</c> but the models, as JSON.</summary>
    public string Rules(int variant = 0) => $$"""
        {{_engines}}
        "Residency":{"MaxResident":{{(variant == 5 ? 1 : 0)}},"SwapPatience":"00:00:00.3","DrainTimeout":"00:00:03","Cooldown":"00:00:00.01",
          "BackgroundPatience":"00:00:01","BackgroundRespite":"00:00:01","HangTimeout":"00:00:02"},
        "Memory":{"Budget":"500MB","Reserve":"0GB"},
        "Limits":{"RequestBody":"256KB","NonStreamWait":"00:00:30"},
        "Streams":{"HoldStatus":"00:00:00.2","KeepAlive":"00:00:00.5"}
        """;

    /// <summary>The members of <c>Models</c>, as JSON: the first as they are, then with another alias, with another command line for one, without the guest, broken, and as they are again.</summary>
    public string Entries(int variant = 0) => variant == 4 ? "\"alpha\":{\"Runer\":\"demo\"}" : string.Join(',', Models
        .Where(m => variant != 3 || m.Id != Guest)
        .Select(m => $"\"{m.Id}\":{{{m.Entry}{(variant == 1 && m.Id == "alpha" ? ",\"Aliases\":[\"first\"]" : "")}{(variant == 2 && m.Id == Guest ? ",\"Args\":[\"--load-time\",\"0\"]" : "")}}}"));

    /// <inheritdoc/>
    public void Dispose() => _files.Delete(recursive: true);

    private static ChaosModel Demo(string id, string rest = "") => new(id, true, $"\"Runner\":\"demo\",\"Memory\":\"200MB\"{rest}");
}
