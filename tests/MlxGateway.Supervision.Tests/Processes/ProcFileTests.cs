using MlxGateway.Supervision.Processes;
using Xunit;

namespace MlxGateway.Supervision.Tests.Processes;

public sealed class ProcFileTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(16_384)]
    [InlineData(100_000)]
    public void File_OfAnyLength_IsReadWhole(int length)
    {
        var bytes = new byte[length];
        Random.Shared.NextBytes(bytes);
        File.WriteAllBytes(_file, bytes);

        Assert.Equal(bytes, ProcFile.TryRead(_file));
    }

    [Fact]
    public void File_ThatIsNotThere_IsNull()
    {
        Assert.Null(ProcFile.TryRead("/nowhere/at/all"));
        Assert.Empty(ProcFile.Lines("/nowhere/at/all", 10));
    }

    [Theory]
    [InlineData("", 4)]
    [InlineData("abc\ndef\nghi\n", 4)]
    [InlineData("abc\ndef\nghi\n", 1)]
    [InlineData("abc\ndef\nghi\n", 100)]
    [InlineData("longer than the buffer\n\nx\nno end", 7)]
    public void Lines_WhateverTheirLength_AreThoseOfTheFile(string text, int lineLength)
    {
        File.WriteAllText(_file, text);

        Assert.Equal(text.Split('\n', StringSplitOptions.RemoveEmptyEntries), ProcFile.Lines(_file, lineLength).Where(line => line.Length > 0));
    }

    [Fact]
    public void Lines_OfTheKernelsTable_AreMadeOneByOne()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "only Linux has it");

        Assert.Equal(["  sl"], ProcFile.Lines("/proc/net/tcp", 150).Take(1).Select(line => line[..4]));
        Assert.All(ProcFile.Lines("/proc/net/tcp", 150), line => Assert.Equal(149, line.Length));
    }
}
