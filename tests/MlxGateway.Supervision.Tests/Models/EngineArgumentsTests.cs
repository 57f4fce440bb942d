using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

public sealed class EngineArgumentsTests
{
    [Theory]
    [InlineData("--ctx-size 4096", 4096)]
    [InlineData("--ctx-size=4096", 4096)]
    [InlineData("-c 4096 --other", 4096)]
    [InlineData("-c 1 --ctx-size 4096", 4096)] // the last one counts
    [InlineData("--ctx-size 4096 -c=2", 2)]
    [InlineData("-c -1", -1)]
    [InlineData("--ctx-size", null)]
    [InlineData("--ctx-size=", null)]
    [InlineData("-c many", null)]
    [InlineData("--ctx-size-more 5", null)] // another flag
    [InlineData("-cram 5", null)]
    [InlineData("", null)]
    public void Number_Arguments_IsTheLastValueOfTheFlag(string arguments, int? expected) =>
        Assert.Equal(expected, new EngineArguments(arguments.Split(' ')).Number("--ctx-size", "-c"));

    [Theory]
    [InlineData("--ctx-size", true)]
    [InlineData("-c=", true)]
    [InlineData("x -c 5", true)]
    [InlineData("-cram 5", false)]
    [InlineData("--ctx", false)]
    public void Has_Arguments_KnowsTheFlagByAnyOfItsNames(string arguments, bool expected) => Assert.Equal(expected, new EngineArguments(arguments.Split(' ')).Has("--ctx-size", "-c"));
}
