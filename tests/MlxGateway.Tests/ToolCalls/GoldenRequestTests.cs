using System.Text;
using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using MlxGateway.Tests.Inference;
using MlxGateway.ToolCalls;
using Xunit;

namespace MlxGateway.Tests.ToolCalls;

/// <summary>What clients ask, and what engines get of it. The golden files hold both; their names begin with the form, and behind it <c>native</c> where the chat template takes tools.</summary>
public sealed class GoldenRequestTests
{
    private const string Between = "\n=== the engine gets\n";

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "ToolCalls", "Requests");

    public static TheoryData<string> Files() => [.. Directory.EnumerateFiles(Folder, "*.txt").Select(static f => Path.GetFileNameWithoutExtension(f)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Request_WithTools_IsTheGoldenOne(string name)
    {
        var file = await File.ReadAllTextAsync(Path.Combine(Folder, name + ".txt"), TestContext.Current.CancellationToken);
        var middle = file.IndexOf(Between, StringComparison.Ordinal);
        var (sent, expected) = (file[..middle], file[(middle + Between.Length)..].TrimEnd('\n'));
        var form = ToolForms.Of(Enum.Parse<ToolFormat>(name.Split('-')[0], ignoreCase: true))!;
        var model = new ModelSpec { Id = "m", Runner = "mlx_lm", Facts = new ModelFacts { HasChatTemplate = true, TakesTools = name.Contains("-native-", StringComparison.Ordinal) } };
        foreach (var mark in (string[])["", "\uFEFF"])
        {
            using var request = (JsonRequest)await ClientExchange.RequestAsync(mark + sent);
            for (var again = 0; again < 2; again++)
            {
                _ = ToolPrompting.Shape(request, model, form);
                Assert.Equal(expected, await TextAsync(request));
                JsonDocument.Parse(expected).Dispose();
                request.Reset(); // as for a model that stands in
            }
        }
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f"}}]}""", true)]
    [InlineData("""{"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"none"}""", false)]
    [InlineData("""{"messages":[{"role":"user","content":"hi"}],"tools":[]}""", false)]
    [InlineData("""{"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"web_search"},7,{"function":{"name":3}}]}""", false)]
    [InlineData("""{"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"\ud800"}}]}""", false)]
    [InlineData("""{"messages":[{"role":"user","content":"hi"}]}""", false)]
    public async Task Answer_IsReadOnlyWhereSomethingMayBeCalled(string sent, bool isRead)
    {
        using var request = (JsonRequest)await ClientExchange.RequestAsync(sent);

        Assert.Equal(isRead, ToolPrompting.Shape(request, new ModelSpec { Id = "m", Runner = "mlx_lm" }, new HermesForm()) is not null);
    }

    [Theory]
    [InlineData("\"tool_choice\":\"none\"", """{"messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("\"tool_choice\":\"auto\"", null)]
    [InlineData("\"parallel_tool_calls\":false", null)]
    [InlineData("\"tool_choice\":\"required\"", """{"messages":[{"role":"system","content":"Answer this turn with a call of at least one of the functions, and with nothing else."},{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"}""")]
    public async Task Choice_ThatTheEngineOverlooks_IsSaidInWords(string member, string? expected)
    {
        var sent = """{"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f"}}],""" + member + "}";
        using var request = (JsonRequest)await ClientExchange.RequestAsync(sent);

        ToolPrompting.ShapeChoice(request);

        Assert.Equal(expected ?? sent, await TextAsync(request));
    }

    private static async Task<string> TextAsync(JsonRequest request)
    {
        await using var body = request.OpenBody();
        using var text = new MemoryStream();
        await body.CopyToAsync(text, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(text.ToArray()).TrimStart('\uFEFF');
    }
}
