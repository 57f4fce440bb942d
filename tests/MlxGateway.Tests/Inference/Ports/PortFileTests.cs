using MlxGateway.Inference.Ports;
using MlxGateway.Supervision.Processes;
using Xunit;

namespace MlxGateway.Tests.Inference.Ports;

public sealed class PortFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlxgateway-test-");

    private string Kept => Path.Combine(_folder.FullName, "ports.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Ports_OfTwoGateways_AreBothKept()
    {
        var (one, other) = (new PortFile(_folder.FullName), new PortFile(_folder.FullName));
        one.Write(8085, new KeptPort("org/one"));
        other.Write(8086, new KeptPort("two", IsFetched: true));
        one.Write(8085, new KeptPort("three"));
        one.Write(8087, new KeptPort("gone"));
        other.Write(8087, null);

        Assert.Equal(new Dictionary<int, KeptPort> { [8085] = new("three"), [8086] = new("two", IsFetched: true) }, one.Read());
        Assert.Equal(["ports.json", "ports.json.lock"], _folder.GetFiles().Select(static f => f.Name).Order());
    }

    [Fact]
    public async Task Ports_WrittenByManyAtOnce_AreAllKept()
    {
        await Parallel.ForAsync(1, 51, TestContext.Current.CancellationToken, (port, _) =>
        {
            new PortFile(_folder.FullName).Write(port, new KeptPort($"m{port}"));
            return ValueTask.CompletedTask;
        });

        Assert.Equal(Enumerable.Range(1, 50), new PortFile(_folder.FullName).Read().Keys.Order());
    }

    [Fact]
    public void File_ThatAnotherGatewayHolds_IsNotWritten()
    {
        using var held = PrivateFiles.TryLock(Kept);

        Assert.Throws<IOException>(() => new PortFile(_folder.FullName).Write(1, new KeptPort("m")));
        Assert.False(File.Exists(Kept));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"8085\":5}")]
    [InlineData("{\"8085\":\"m\"}")]
    [InlineData("{\"8085\":{},\"8086\":null}")]
    [InlineData("{\"x\":{\"model\":\"m\"},\"0\":{\"model\":\"m\"},\"70000\":{\"model\":\"m\"},\"-1\":{\"model\":\"m\"}}")]
    public void File_ThatMakesNoSense_SaysNothing(string text)
    {
        File.WriteAllText(Kept, text);

        Assert.Empty(new PortFile(_folder.FullName).Read());
    }

    [Fact]
    public void Folder_ThatIsNotThere_IsMade()
    {
        new PortFile(Path.Combine(_folder.FullName, "a", "b")).Write(1, new KeptPort("m"));

        Assert.True(File.Exists(Path.Combine(_folder.FullName, "a", "b", "ports.json")));
    }
}
