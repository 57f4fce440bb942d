using System.Text;
using MlxGateway.Inference;
using Xunit;

namespace MlxGateway.Tests.Inference;

public sealed class RunnerErrorTests
{
    [Theory]
    [InlineData("""{"error":{"code":400,"message":"bad temperature","type":"invalid_request_error"}}""", "bad temperature")] // llama-server
    [InlineData("""{"error":"bad temperature"}""", "bad temperature")] // mlx_lm.server
    [InlineData("""{"detail":"bad temperature"}""", "bad temperature")] // FastAPI
    [InlineData("""{"detail":[{"loc":["body"],"msg":"field required"}]}""", "field required")]
    [InlineData("""{"detail":[{"loc":["body"]}]}""", """[{"loc":["body"]}]""")]
    [InlineData("""{"detail":[]}""", "[]")]
    [InlineData("""{"message":"bad temperature"}""", "bad temperature")]
    [InlineData("\"bad temperature\"", "bad temperature")]
    [InlineData("bad temperature\n", "bad temperature")]
    [InlineData("<html><body><h1>bad</h1>\n<p>temperature</p></body></html>", "bad temperature")]
    [InlineData("""{"error":{"message":"bad temp""", """{"error":{"message":"bad temp""")]
    [InlineData("""{"error":{"code":400}}""", """{"error":{"code":400}}""")]
    [InlineData("""{"error":null}""", """{"error":null}""")]
    [InlineData(""" "{\"object\":\"error\",\"message\":\"bad temperature\",\"code\":400}" """, "bad temperature")] // mlc_llm encodes it twice
    [InlineData(""" "{\"error\":{\"message\":\"bad temperature\"}}" """, "bad temperature")]
    [InlineData(""" "{bad temperature" """, "{bad temperature")]
    [InlineData("[]", "[]")]
    [InlineData("17", "17")]
    [InlineData("", "it gave no reason")]
    [InlineData("  \n ", "it gave no reason")]
    [InlineData("<html></html>", "it gave no reason")]
    public void From_BadRequestInAnyShape_GivesTheRunnersWords(string body, string message)
    {
        var error = RunnerError.From(400, Encoding.UTF8.GetBytes(body), "m", "stub", "/v1/x");

        Assert.Equal(new GatewayError(400, "invalid_request", message), error);
    }

    // It repeats what it was sent, with the path by which it knows its model.
    [Theory]
    [InlineData("""{"detail":[{"type":"missing","loc":["body","documents"],"msg":"Field required","input":{"model":"/home/me/m"}}]}""", "documents: Field required", "documents")]
    [InlineData("""{"detail":[{"loc":["body","documents",0],"msg":"no text"},{"loc":["query","n"],"msg":"no number"},{"loc":7,"msg":"odd"},{}]}""", "documents.0: no text; query.n: no number; odd", "documents.0")]
    public void From_BodyThatTheRouteDoesNotTake_IsABadRequestThatNamesTheField(string body, string message, string param) =>
        Assert.Equal(GatewayError.InvalidRequest(message, param), RunnerError.From(422, Encoding.UTF8.GetBytes(body), "m", "stub", "/v1/x"));

    [Theory]
    [InlineData(400, 400, "invalid_request")]
    [InlineData(401, 401, "invalid_request")]
    [InlineData(404, 404, "not_found")]
    [InlineData(409, 400, "invalid_request")] // clients send a 409 again by themselves
    [InlineData(411, 411, "invalid_request")]
    [InlineData(422, 422, "invalid_request")]
    [InlineData(429, 429, "queue_full")]
    [InlineData(500, 502, "runner_failed")]
    [InlineData(501, 404, "not_found")]
    [InlineData(502, 502, "runner_failed")]
    [InlineData(503, 502, "runner_failed")]
    [InlineData(599, 502, "runner_failed")]
    public void From_Status_IsMapped(int status, int mapped, string code)
    {
        var error = RunnerError.From(status, """{"error":"why"}"""u8, "m", "stub", "/v1/x");

        Assert.Equal((mapped, code), (error.Status, error.Code));
        Assert.Contains("why", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"error":{"code":400,"message":"too long","type":"exceed_context_size_error","n_prompt_tokens":5000,"n_ctx":4096}}""", "maximum context length is 4096 tokens. However, the request has 5000 tokens")]
    [InlineData("""{"error":{"message":"too long","type":"exceed_context_size_error","n_ctx":4096}}""", "maximum context length is 4096 tokens. However, the request has more tokens")]
    [InlineData("""{"error":{"message":"too long","type":"exceed_context_size_error"}}""", "too long")]
    [InlineData("""{"error":"This model's maximum context length is 4096 tokens. However, the request has 5000 tokens."}""", "This model's maximum context length is 4096 tokens. However, the request has 5000 tokens.")]
    [InlineData("""{"detail":"Request needs 5003 context tokens (5000 prompt + 3 max generation), but MAX_KV_SIZE is 4096."}""", "maximum context length is 4096 tokens. Request needs 5003 context tokens")]
    [InlineData(""" "{\"object\":\"error\",\"message\":\"Request prompt has 9000 tokens in total, larger than the model input length limit 8192.\",\"code\":400}" """, "maximum context length is 8192 tokens. Request prompt has 9000 tokens")]
    [InlineData("""{"detail":"Protected conversation exceeds the available context budget."}""", "The request is longer than this model's maximum context length. Protected conversation")]
    [InlineData("""{"error":{"message":"too long","type":"exceed_context_size_error","n_ctx":"4096","n_prompt_tokens":null}}""", "too long")]
    [InlineData("""{"error":{"message":"too long","type":"exceed_context_size_error","n_ctx":1e99}}""", "too long")]
    public void From_ContextExceeded_SaysItAsClientsLookForIt(string body, string says)
    {
        var error = RunnerError.From(400, Encoding.UTF8.GetBytes(body), "m", "stub", "/v1/x");

        Assert.Equal((400, "context_length_exceeded", "messages"), (error.Status, error.Code, error.Param));
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"error":{"message":"\ud800"}}""")]
    [InlineData("""{"erro\udc00":"x"}""")]
    [InlineData("""{"error":{"messag\udc00":"x","type":"y"}}""")]
    public void From_EscapesWithoutACharacter_AreNoFault(string body) => Assert.Equal(502, RunnerError.From(500, Encoding.UTF8.GetBytes(body), "m", "stub", "/v1/x").Status);

    [Fact]
    public void From_EndlessText_IsCut() => Assert.InRange(RunnerError.From(400, Encoding.UTF8.GetBytes(new string('x', 60_000)), "m", "stub", "/v1/x").Message.Length, 1, 301);
}
