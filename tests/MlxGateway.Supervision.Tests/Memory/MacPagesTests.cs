using System.Globalization;
using System.Text.RegularExpressions;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Supervision.Tests.Memory;

public sealed class MacPagesTests
{
    public static TheoryData<string> Texts => [MacTexts.Squeezed, MacTexts.Loaded, MacTexts.Intel];

    [Fact]
    public void Parse_RealTexts_TakesFreePurgeableAndFileBackedPages()
    {
        Assert.Equal(new MacPages(10069, 11278, 398262, 16384), MacPages.Parse(MacTexts.Squeezed));
        Assert.Equal(new MacPages(407390, 1863, 92351, 16384), MacPages.Parse(MacTexts.Loaded));
        Assert.Equal(new MacPages(83542, 31460, 103234, 4096), MacPages.Parse(MacTexts.Intel));
        Assert.Equal(new ByteSize(419609L * 16384), MacPages.Parse(MacTexts.Squeezed)!.Value.Available);
    }

    // What the sum of free and file-backed pages rests on: pages read ahead are file-backed or anonymous like all others, and are not to be added once more.
    [Theory]
    [MemberData(nameof(Texts))]
    public void RealTexts_QueuesOfPages_AreTheFileBackedAndTheAnonymousOnes(string text) =>
        Assert.Equal(Line(text, "Pages active") + Line(text, "Pages inactive") + Line(text, "Pages speculative"), Line(text, "File-backed pages") + Line(text, "Anonymous pages"));

    [Theory]
    [InlineData("")]
    [InlineData("zsh: command not found: vm_stat")]
    [InlineData("Mach Virtual Memory Statistics: (page size of 16384 bytes)\nPages free: 1.\nPages purgeable: 1.\n")] // before macOS 10.9
    [InlineData("Pages free: 1.\nPages purgeable: 1.\nFile-backed pages: 1.\n")]
    [InlineData("(page size of 0 bytes)\nPages free: 1.\nPages purgeable: 1.\nFile-backed pages: 1.\n")]
    [InlineData("(page size of 99999999999999999999 bytes)\nPages free: 1.\nPages purgeable: 1.\nFile-backed pages: 1.\n")]
    [InlineData("(page size of 4096 bytes)\nPages free: -1.\nPages purgeable: 1.\nFile-backed pages: 1.\n")]
    [InlineData("(page size of 4096 bytes)\nPages free: 9223372036854775807.\nPages purgeable: 1.\nFile-backed pages: 1.\n")]
    public void Parse_AnythingElse_IsNothing(string text) => Assert.Null(MacPages.Parse(text));

    private static long Line(string text, string label) => long.Parse(Regex.Match(text, $@"^{label}:\s+(\d+)\.", RegexOptions.Multiline).Groups[1].Value, CultureInfo.InvariantCulture);
}
