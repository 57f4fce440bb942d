using MlxGateway.Admin;
using Xunit;

namespace MlxGateway.Tests.Admin;

public sealed class SecretArgumentsTests
{
    [Theory]
    [InlineData("--ctx-size 4096 --temp 0.5", "--ctx-size 4096 --temp 0.5")]
    [InlineData("--api-key abc --ctx-size 1", "--api-key *** --ctx-size 1")]
    [InlineData("--api-key=abc", "--api-key=***")]
    [InlineData("--hf-token hf_abc", "--hf-token ***")]
    [InlineData("--max-tokens 512 --max_tokens=3", "--max-tokens 512 --max_tokens=3")]
    [InlineData("--token-delay 0.05 --token-delay=0.05 --tokens 7 --tokenizer /models/x", "--token-delay 0.05 --token-delay=0.05 --tokens 7 --tokenizer /models/x")]
    [InlineData("n_tokens=7 tokens=9", "n_tokens=7 tokens=9")]
    [InlineData("--token abc --token=abc --auth-tokens a,b --token-file=x", "--token *** --token=*** --auth-tokens *** --token-file=***")]
    [InlineData("HF_TOKEN=abc MY_TOKEN=abc token=abc", "HF_TOKEN=*** MY_TOKEN=*** token=***")]
    [InlineData("--secret --verbose", "--secret --verbose")]
    [InlineData("--url http://me:pass@host/x", "--url http://me:***@host/x")]
    [InlineData("sk-0123456789abcdef0123", "***")]
    [InlineData("x-known-y", "x-***-y")]
    public void Masked_HidesWhatIsSecretAndNothingElse(string arguments, string shown) =>
        Assert.Equal(shown.Split(' '), SecretArguments.Masked(arguments.Split(' '), ["known"]));
}
