using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

public sealed class HostfileTests
{
    [Fact]
    public void Parse_Object_HasHostsBackendAndDevices()
    {
        var file = Hostfile.Parse(
            """
            {"backend":"jaccl","envs":["MLX_METAL_FAST_SYNCH=1"],"hosts":[
              {"ssh":"studio1.local","ips":["10.0.0.1","10.0.1.1"],"rdma":[null,"rdma_en5"],"new":{"of":"tomorrow"}},
              {"ssh":"studio2.local","ips":["10.0.0.2"],"rdma":[["rdma_en5","rdma_en4"],null]}]}
            """,
            out var fault)!;

        Assert.Null(fault);
        Assert.Equal("jaccl", file.Backend);
        Assert.Equal([new RankHost("studio1.local", ["10.0.0.1", "10.0.1.1"]), new RankHost("studio2.local", ["10.0.0.2"])], file.Hosts.Select(entry => entry.Host));
        Assert.Equal([[false, true], [true, false]], file.Hosts.Select(entry => entry.Devices));
    }

    [Fact]
    public void Parse_List_HasHostsAndNothingElse()
    {
        var file = Hostfile.Parse("""[{"ssh":"a"},{"ssh":"b","ips":[]}]""", out var fault)!;

        Assert.Null(fault);
        Assert.Null(file.Backend);
        Assert.Equal([new RankHost("a", []), new RankHost("b", [])], file.Hosts.Select(entry => entry.Host));
    }

    [Theory]
    [InlineData("", "is no JSON: ")]
    [InlineData("[{]", "is no JSON: ")]
    [InlineData("7", "is neither a list of hosts nor an object with \"hosts\"")]
    [InlineData("{}", "is neither a list of hosts nor an object with \"hosts\"")]
    [InlineData("""{"hosts":{}}""", "is neither a list of hosts nor an object with \"hosts\"")]
    [InlineData("""{"hosts":[],"backend":7}""", "\"backend\" is no text")]
    [InlineData("""[{"ssh":"a"},{"ips":[]}]""", "host 1 has no \"ssh\"")]
    [InlineData("""["a"]""", "host 0 has no \"ssh\"")]
    [InlineData("""[{"ssh":""}]""", "host 0 has no \"ssh\"")]
    [InlineData("""[{"ssh":["a"]}]""", "\"ssh\" of host 0 is no text")]
    [InlineData("""[{"ssh":"a","ips":"10.0.0.1"}]""", "\"ips\" of host 0 is no list")]
    [InlineData("""[{"ssh":"a","ips":[10]}]""", "\"ips\" of host 0 is no text")]
    [InlineData("""[{"ssh":"a","rdma":null}]""", "\"rdma\" of host 0 is no list")]
    public void Parse_AnythingElse_SaysWhatIsWrong(string text, string expected)
    {
        Assert.Null(Hostfile.Parse(text, out var fault));
        Assert.StartsWith(expected, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NoFile_SaysWhere()
    {
        Assert.Null(Hostfile.Read("/nowhere/hosts.json", out var fault));
        Assert.Equal("the file /nowhere/hosts.json does not exist", fault);
    }
}
