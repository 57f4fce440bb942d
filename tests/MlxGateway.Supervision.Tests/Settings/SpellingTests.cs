using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Supervision.Tests.Settings;

public sealed class SpellingTests
{
    [Theory]
    [InlineData("", "", 0)]
    [InlineData("gemma", "gemma", 0)]
    [InlineData("GEMMA", "gemma", 0)]
    [InlineData("gema", "gemma", 1)]
    [InlineData("gemam", "gemma", 1)]
    [InlineData("kitten", "sitting", 3)]
    [InlineData("abc", "", 3)]
    public void Distance_TwoNames_CountsSlipsOfThePen(string left, string right, int expected)
    {
        Assert.Equal(expected, Spelling.Distance(left, right));
        Assert.Equal(expected, Spelling.Distance(right, left));
    }

    [Fact]
    public void Nearest_SomeNearSomeFar_GivesTheNearOnesInOrder() =>
        Assert.Equal(["coder", "coder2"], Spelling.Nearest("codr", ["vision", "coder2", "coder", "embedding"], 3));

    [Fact]
    public void Nearest_PartOfALongName_Counts() =>
        Assert.Equal(["mlx-community/gemma-3-4b-it-4bit"], Spelling.Nearest("gemma", ["mlx-community/gemma-3-4b-it-4bit", "qwen"], 3));

    [Fact]
    public void Nearest_NameOfAnAttacker_IsNotCompared() =>
        Assert.Empty(Spelling.Nearest(new string('a', 100_000), [new string('a', 100_000), "a"], 3));

    [Fact]
    public void Nearest_CandidateTooLong_IsNeverNear() =>
        Assert.Empty(Spelling.Nearest("b", [new string('a', 1000)], 3));
}
