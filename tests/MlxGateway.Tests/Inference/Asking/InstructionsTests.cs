using System.Text;
using System.Text.Json;
using MlxGateway.Inference;
using MlxGateway.Inference.Asking;
using Xunit;

namespace MlxGateway.Tests.Inference.Asking;

/// <summary>The instructions of a model's configuration, as pairs: what came, and what goes on.</summary>
public sealed class InstructionsTests
{
    private const string Prompt = "Say \"yes\".";
    private const string Written = "\"Say \\u0022yes\\u0022.\"";

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"x"}]}""", """{"messages":[{"role":"system","content":W},{"role":"user","content":"x"}]}""")]
    [InlineData("""{"model":"m","messages": [ {"content":"a \u20ac","role":"user"},{"role":"assistant","content":"b"}] }""", """{"model":"m","messages": [{"role":"system","content":W}, {"content":"a \u20ac","role":"user"},{"role":"assistant","content":"b"}] }""")]
    [InlineData("""{"messages":[{"role":"user","content":[{"role":"system"}]}]}""", """{"messages":[{"role":"system","content":W},{"role":"user","content":[{"role":"system"}]}]}""")]
    [InlineData("""{"messages":[{"role":"system","content":"own"},{"role":"user"}]}""", null)]
    [InlineData("""{"messages":[{"role":"user"},{"content":"late","role":"developer"}]}""", null)]
    [InlineData("""{"messages":[{"r\u006fle":"system"}]}""", null)]
    [InlineData("""{"messages":[{"role":"\ud800"}]}""", null)]
    [InlineData("""{"messages":[]}""", null)]
    [InlineData("""{"messages":"hello"}""", null)]
    [InlineData("""{"prompt":"x"}""", null)]
    public Task Chat_WithoutInstructions_BeginsWithThem(string sent, string? got) => BecomesAsync(sent, got, InferenceRoute.ChatCompletions);

    [Theory]
    [InlineData("""{"input":"x"}""", """{"instructions":W,"input":"x"}""")]
    [InlineData("""{"input":"x", "instructions" : null }""", """{"input":"x", "instructions" : W }""")]
    [InlineData("""{"instructions":"own","input":"x"}""", null)]
    [InlineData("""{"instructions":"","input":"x"}""", null)]
    public Task Responses_WithoutInstructions_HaveThem(string sent, string? got) => BecomesAsync(sent, got, InferenceRoute.Responses);

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"x"}]}""", """{"system":W,"messages":[{"role":"user","content":"x"}]}""")]
    [InlineData("""{"messages":[],"system":[]}""", null)]
    public Task Messages_WithoutSystem_HaveIt(string sent, string? got) => BecomesAsync(sent, got, InferenceRoute.Messages);

    [Fact]
    public Task Completions_KnowNoInstructions() => BecomesAsync("""{"prompt":"x"}""", null, InferenceRoute.Completions);

    private static async Task BecomesAsync(string sent, string? got, InferenceRoute route)
    {
        using var request = (JsonRequest)await ClientExchange.RequestAsync(sent, route);
        if (Instructions.Find(request, Prompt) is { } edit)
        {
            request.Edit(edit);
            request.Settle();
        }

        await using var body = request.OpenBody();
        using var text = new MemoryStream();
        await body.CopyToAsync(text, TestContext.Current.CancellationToken);
        Assert.Equal(got?.Replace("W", Written, StringComparison.Ordinal) ?? sent, Encoding.UTF8.GetString(text.ToArray()));
        using var json = JsonDocument.Parse(text.ToArray());
    }
}
