using System.Text.Json;
using MlxGateway.Commands.Checking;
using MlxGateway.Commands.Steering;
using MlxGateway.Commands.Terminals;
using MlxGateway.Commands.Watching;
using MlxGateway.Supervision.Tests;
using Xunit;

namespace MlxGateway.Tests.Commands;

/// <summary>What people see: in a narrow and in a wide terminal, with colours and without, and where there is none.</summary>
public sealed class PrintingTests
{
    private static readonly JsonElement Running = Read("""
        {"running":[
          {"model":"mlx-community/Qwen3-Coder-30B-A3B-Instruct-4bit","state":"ready","runner":"mlx_lm","pid":4711,"port":41231,"leases":2,"waiting":0,"since":"2026-11-29T11:48:00Z"},
          {"model":"gemma","state":"launching","runner":"llama_server","pid":4712,"port":41232,"leases":0,"waiting":3,"since":"2026-11-29T11:59:56.5Z"},
          {"model":"broken","state":"cooling","runner":"mlx_vlm","pid":null,"port":null,"leases":0,"waiting":1,"since":"2026-11-29T09:55:00Z"}]}
        """);

    private static readonly JsonElement Explained = Read("""
        {"at":"2026-11-29T12:00:00Z","ceiling_bytes":25276530688,"usable_bytes":22055305216,"planned_bytes":21904333209,"leases_out":2,
         "resident":[
          {"model":"mlx-community/Qwen3-Coder-30B-A3B-Instruct-4bit","state":"ready","since":"2026-11-29T11:48:00Z","planned_bytes":18253611008,"people":2,"background":0,"idle_seconds":null,"load_seconds":9.1,"why":"it serves 2 requests"},
          {"model":"gemma","state":"launching","since":"2026-11-29T11:59:56.5Z","planned_bytes":3650722201,"people":0,"background":0,"idle_seconds":null,"load_seconds":null,"why":"3 requests wait for it"}],
         "waiting":[{"model":"gemma","people":2,"background":1,"longest_seconds":3.5,"why":"it is being loaded","until":"2026-11-29T12:09:56Z"}],
         "next":[{"at":"2026-11-29T12:18:00Z","model":"gemma","what":"is unloaded, because nobody asks for it"}],
         "decisions":[
          {"at":"2026-11-29T11:59:56Z","kind":"launched","model":"gemma","for":null,"reason":"weights 2.60 GB, KV cache 0.90 GB"},
          {"at":"2026-11-29T11:59:50Z","kind":"idled_out","model":"llama","for":"gemma","reason":"idle 312 s, reload 2.1 s, frees 3.40 GB for gemma\u001b[2J"}]}
        """);

    private static readonly JsonElement Models = Read("""
        {"object":"list","data":[
          {"id":"mlx-community/Qwen3-Coder-30B-A3B-Instruct-4bit","aliases":["coder","gpt-4o"],"loaded":true,"status":{"value":"loaded"},"context_window":40960,"capabilities":["completion","chat","tools"],"quantization":"4-bit","runner":"mlx_lm","fit":{"value":"loaded","required_bytes":18253611008}},
          {"id":"gemma","aliases":[],"loaded":false,"status":{"value":"loading"},"context_window":131072,"capabilities":["completion","chat","vision"],"quantization":"Q4_K_M","runner":"llama_server","fit":{"value":"fits_after_swap","required_bytes":3650722201}},
          {"id":"absent","aliases":[],"loaded":false,"status":{"value":"missing"},"context_window":null,"capabilities":["completion","chat"],"quantization":null,"runner":"llama_server","fit":null}]}
        """);

    private static readonly JsonElement Found = Read("""
        {"models":[
          {"id":"mlx-community/gemma-3-4b-it-4bit","downloads":1204331,"likes":87,"size_bytes":3435973836,"runs_here":true,"why":"there is room for it beside what is in memory"},
          {"id":"mlx-community/DeepSeek-V3-4bit","downloads":3021,"likes":12,"size_bytes":413390602240,"runs_here":false,"why":"it takes 385.00 GB and models may use 20.54 GB"},
          {"id":"someone/odd","downloads":null,"likes":null,"size_bytes":null,"runs_here":null,"why":null}]}
        """);

    private static readonly Finding[] Findings =
    [
        new("Configuration", Verdict.Ok, "/home/anna/appsettings.json; 2 models configured"),
        new("Engine", Verdict.Warning, "mlx_lm is installed in /usr/bin/python3, but cannot be imported: ImportError: libmlx.so: cannot open shared object file", "/usr/bin/python3 -m pip install --force-reinstall mlx-lm") { Notes = ["passed over /opt/homebrew/bin/python3: has no mlx_lm"] },
        new("Port", Verdict.Problem, "127.0.0.1:1234 is taken by node (process 812), so that the gateway would not start.", "MlxGateway serve --port 1235"),
    ];

    public static TheoryData<string> Places => ["80", "200", "80-colour", "200-colour", "none"];

    [Theory]
    [MemberData(nameof(Places))]
    public void Ps_Everywhere(string place) => Look("ps", place, terminal => PsVerb.Write(terminal, Running, Explained));

    [Theory]
    [MemberData(nameof(Places))]
    public void Models_Everywhere(string place) => Look("models", place, terminal => ModelsVerb.Write(terminal, Models));

    [Theory]
    [MemberData(nameof(Places))]
    public void Explain_Everywhere(string place) => Look("explain", place, terminal => ExplainVerb.Write(terminal, Explained, wanted: null));

    [Theory]
    [MemberData(nameof(Places))]
    public void Search_Everywhere(string place) => Look("search", place, terminal => SearchVerb.Write(terminal, Found));

    [Theory]
    [MemberData(nameof(Places))]
    public void Doctor_Everywhere(string place) => Look("doctor", place, terminal => DoctorPage.Write(terminal, Findings), isCopied: true);

    [Fact]
    public void Doctor_AsJson() => Look("doctor-json", "none", terminal => DoctorPage.WriteJson(terminal, Findings));

    [Theory]
    [InlineData("""{"running":[]}""", "No model is in memory")]
    [InlineData("{}", "No model is in memory")]
    [InlineData("[]", "No model is in memory")]
    public void Ps_OfNothing_IsASentence(string running, string said)
    {
        var (terminal, output, _) = new Place().Make();
        PsVerb.Write(terminal, Read(running), Read("{}"));

        Assert.Contains(said, output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ForeignText_NeverSteersTheTerminal()
    {
        Assert.Equal("a\uFFFD[31mb\n\tc\uFFFDd", Terminal.Clean("a\e[31mb\n\tc\u009bd"));
        Assert.Equal("Füße 你好 🙂", Terminal.Clean("Füße 你好 🙂"));
    }

    [Theory]
    [InlineData(0.04, "0 s")]
    [InlineData(3.46, "3.5 s")]
    [InlineData(90, "90 s")]
    [InlineData(600, "10 min")]
    [InlineData(7260, "2 h 1 min")]
    [InlineData(500000, "5 d")]
    [InlineData(-3, "0 s")]
    public void Spans_AreShort(double seconds, string text) => Assert.Equal(text, Spans.Of(TimeSpan.FromSeconds(seconds)));

    private static JsonElement Read(string json) => JsonDocument.Parse(json).RootElement;

    private static void Look(string name, string place, Action<Terminal> write, bool isCopied = false)
    {
        var width = int.TryParse(place.Split('-')[0], out var columns) ? columns : default(int?);
        var hasColour = place.EndsWith("colour", StringComparison.Ordinal);
        var (terminal, output, _) = new Place { Width = width, HasColour = hasColour }.Make();

        write(terminal);

        var text = output.ToString();
        Golden.Equal($"{name}-{place}", text);
        Assert.Equal(hasColour, text.Contains('\e'));
        Assert.DoesNotContain("\e[2J", text, StringComparison.Ordinal);
        if (!hasColour)
        {
            Assert.All(text, letter => Assert.False(letter is >= '\u2500' and <= '\u257f', "a frame is drawn"));
        }

        if (width is not null && !isCopied)
        {
            Assert.All(System.Text.RegularExpressions.Regex.Replace(text, "\e\\[[0-9;]*m", "").Split('\n'), line => Assert.InRange(line.Length, 0, width.Value));
        }
    }
}
