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
    [InlineData("--secret --verbose", "--secret --verbose")]
    [InlineData("--url http://me:pass@host/x", "--url http://me:***@host/x")]
    [InlineData("sk-0123456789abcdef0123", "***")]
    [InlineData("x-known-y", "x-***-y")]
    public void Masked_HidesWhatIsSecretAndNothingElse(string arguments, string shown) =>
        Assert.Equal(shown.Split(' '), SecretArguments.Masked(arguments.Split(' '), ["known"]));
}
