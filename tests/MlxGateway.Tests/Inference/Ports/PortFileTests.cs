using MlxGateway.Inference.Ports;
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
        one.Write(8085, "org/one");
        other.Write(8086, "two");
        one.Write(8085, "three");
        one.Write(8087, "gone");
        other.Write(8087, null);

        Assert.Equal(new Dictionary<int, string> { [8085] = "three", [8086] = "two" }, one.Read());
        Assert.Equal(["ports.json"], _folder.GetFiles().Select(static f => f.Name));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"8085\":5}")]
    [InlineData("{\"x\":\"m\",\"0\":\"m\",\"70000\":\"m\",\"-1\":\"m\"}")]
    public void File_ThatMakesNoSense_SaysNothing(string text)
    {
        File.WriteAllText(Kept, text);

        Assert.Empty(new PortFile(_folder.FullName).Read());
    }

    [Fact]
    public void Folder_ThatIsNotThere_IsMade()
    {
        new PortFile(Path.Combine(_folder.FullName, "a", "b")).Write(1, "m");

        Assert.True(File.Exists(Path.Combine(_folder.FullName, "a", "b", "ports.json")));
    }
}
