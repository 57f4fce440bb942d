using MlxGateway.Supervision.Runners;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

public sealed class SecretFilterTests
{
    private const string Secret = "s3cr3t-Value_42";

    [Theory]
    [InlineData("Authorization: Bearer " + Secret)]
    [InlineData("authorization=Bearer " + Secret)]
    [InlineData("Proxy-Authorization: Basic " + Secret)]
    [InlineData("{\"Authorization\": \"Bearer " + Secret + "\"}")]
    [InlineData("{'Authorization': 'Basic " + Secret + "'}")]
    [InlineData("bearer " + Secret)]
    [InlineData("api_key=" + Secret)]
    [InlineData("api-key: " + Secret)]
    [InlineData("apikey = '" + Secret + "'")]
    [InlineData("x-api-key: " + Secret)]
    [InlineData("\"api_key\": \"" + Secret + "\", \"x\": 1")]
    [InlineData("OPENAI_API_KEY=" + Secret)]
    [InlineData("HF_TOKEN=" + Secret)]
    [InlineData("token: " + Secret)]
    [InlineData("AWS_SECRET_ACCESS_KEY=" + Secret)]
    [InlineData("aws_secret_key: " + Secret)]
    [InlineData("client_secret=" + Secret)]
    [InlineData("password: " + Secret)]
    [InlineData("DB_PASSWD=" + Secret)]
    [InlineData("server --api-key " + Secret + " --port 1")]
    [InlineData("server --api-key=" + Secret + " --port 1")]
    [InlineData("server --hf-token " + Secret)]
    [InlineData("GET https://host/path?token=" + Secret)]
    [InlineData("fetching https://user:" + Secret + "@host/path")]
    [InlineData("fetching https://:" + Secret + "@host/path")]
    [InlineData("fetching https://user:p@ss@" + Secret + "@host/path")] // written as people write it
    public void Clean_WhatIsNamedASecret_Vanishes(string line)
    {
        var clean = SecretFilter.Clean(line, []);

        Assert.DoesNotContain(Secret, clean, StringComparison.Ordinal);
        Assert.Contains("***", clean, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("hf_abcdefghijklmnopqrstuvwx")]
    [InlineData("sk-proj-abcdefghijklmnop_1234")]
    [InlineData("ghp_abcdefghijklmnopqrstuvwxyz0123456789")]
    [InlineData("github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz")]
    [InlineData("glpat-abcdefghijklmnopqrst")]
    [InlineData("xoxb-1234567890-abcdefghij")]
    [InlineData("AIzaSyAbcdefghijklmnopqrstuvwxyz0123456")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N")]
    public void Clean_WhatLooksLikeAKey_Vanishes(string key) => Assert.Equal("cannot use *** here", SecretFilter.Clean($"cannot use {key} here", []));

    [Theory]
    [InlineData("llama_model_loader: loaded meta data with 34 key-value pairs and 291 tensors from /models/a.gguf")]
    [InlineData("print_info: EOS token        = 151645 '<|im_end|>'")]
    [InlineData("print_info: LF token         = 198 'Ċ'")]
    [InlineData("print_info: max token length = 256")]
    [InlineData("main: server is listening on http://127.0.0.1:20123 - starting the main loop")]
    [InlineData("slot print_timing: prompt eval time = 12.3 ms / 5 tokens ( 2.4 ms per token, 406.5 tokens per second)")]
    [InlineData("max_tokens: 5, n_tokens = 7")]
    [InlineData("tokenizer: loading /models/tokenizer.json")]
    [InlineData("ValueError: Token indices sequence length is longer than the maximum (5000 > 4096)")]
    [InlineData("error: invalid argument: --no-such-switch")]
    [InlineData("couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 20123")]
    [InlineData("user@host: see https://host:8080/path@v2")]
    [InlineData("the task-sk-et and hf_short stay")]
    [InlineData("")]
    public void Clean_OrdinaryLine_IsUntouched(string line) => Assert.Equal(line, SecretFilter.Clean(line, []));

    [Fact]
    public void Clean_KnownValues_VanishWhateverTheyLookLike() => Assert.Equal("a *** b ***", SecretFilter.Clean("a hunter2 b correct horse", ["correct horse", "hunter2"]));

    [Fact]
    public void Clean_KnownValueThatBeginsWithAnother_VanishesWhole()
    {
        Assert.Equal("a ***", SecretFilter.Clean("a abcdef-123456", ["abcdef", "abcdef-123456"]));
        Assert.Equal("a ***", SecretFilter.Clean("a abcdef-123456", ["abcdef-123456", "abcdef"]));
    }

    [Theory]
    [InlineData("--api-key")]
    [InlineData("--api_key")]
    [InlineData("--api-key-file")]
    [InlineData("--hf-token")]
    [InlineData("-hft-token")]
    [InlineData("--token")]
    [InlineData("token")]
    [InlineData("Token")]
    [InlineData("HF_TOKEN")]
    [InlineData("HUGGING_FACE_HUB_TOKEN")]
    [InlineData("hftoken")]
    [InlineData("BOT_TOKEN")]
    [InlineData("MAX_TOKEN")]
    [InlineData("AccessToken")]
    [InlineData("accessTokens")]
    [InlineData("API_TOKENS")]
    [InlineData("--auth-tokens")]
    [InlineData("--token-file")]
    [InlineData("--token-id")]
    [InlineData("--id-token-delay")]
    [InlineData("--max-tokens-key")]
    [InlineData("user_token_limit")]
    [InlineData("tokens_secret")]
    [InlineData("TokenizerCredentials")]
    [InlineData("xtokenize")]
    [InlineData("token\u00e9")]
    [InlineData("client_secret")]
    [InlineData("DB_PASSWD")]
    [InlineData("password")]
    [InlineData("DB_PASS")]
    [InlineData("smtpPass")]
    [InlineData("--ssh-passphrase")]
    [InlineData("MYSQL_PWD")]
    [InlineData("BASIC_AUTH")]
    [InlineData("auth")]
    [InlineData("Authorization")]
    [InlineData("SESSION_COOKIE")]
    [InlineData("GITHUB_PAT")]
    public void IsTelling_NameOfASecretOrInDoubt_IsTrue(string name) => Assert.True(SecretFilter.IsTelling(name));

    [Theory]
    [InlineData("--token-delay")]
    [InlineData("token_delay")]
    [InlineData("TokenDelay")]
    [InlineData("--max-tokens")]
    [InlineData("--max_tokens")]
    [InlineData("maxTokens")]
    [InlineData("MAX_TOKENS")]
    [InlineData("--maxtokens")]
    [InlineData("--tokens")]
    [InlineData("n_tokens")]
    [InlineData("max_completion_tokens")]
    [InlineData("--num-speculative-tokens")]
    [InlineData("--thinking-budget-tokens")]
    [InlineData("--max-num-batched-tokens")]
    [InlineData("tokens_per_second")]
    [InlineData("--image-min-tokens")]
    [InlineData("--tokenizer")]
    [InlineData("--tokenizer-mode")]
    [InlineData("--ctx-size")]
    [InlineData("--keep")]
    [InlineData("PWD")]
    [InlineData("PATH")]
    [InlineData("--pass-through")]
    [InlineData("BYPASS")]
    [InlineData("AUTHOR")]
    [InlineData("SSH_AUTH_SOCK")]
    [InlineData("")]
    public void IsTelling_NameOfNoSecret_IsFalse(string name) => Assert.False(SecretFilter.IsTelling(name));

    [Fact]
    public void SecretsOf_Variables_AreThoseWithTellingNamesAndValuesWorthHiding() => Assert.Equal(
        ["a-key-value", "a-token-value", "a-password"],
        SecretFilter.SecretsOf(new Dictionary<string, string>
        {
            ["MY_KEY"] = "a-key-value", ["HF_token"] = "a-token-value", ["DB_PASSWORD"] = "a-password", ["TOKEN_SHORT"] = "1", ["MAX_TOKENS"] = "1048576", ["HOME"] = "/home/somebody", ["EMPTY_KEY"] = "",
        }));
}
