using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

public sealed class DistributedRulesTests : IDisposable
{
    private const string Two = """[{"ssh":"studio1","ips":["10.0.0.1"]},{"ssh":"studio2","ips":["10.0.0.2"]}]""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("", "Hostfile: is missing; write the path of a file that mlx.distributed_config has written, or \"Hosts\".")]
    [InlineData("hosts.json", "Hostfile: the file {folder}/hosts.json does not exist; write the path of a file that mlx.distributed_config has written.")]
    [InlineData("""{"hosts":7}""", "Hostfile: is neither a list of hosts nor an object with \"hosts\"; write the path of a file that mlx.distributed_config has written.")]
    [InlineData("""[{"ssh":"studio1","ips":["10.0.0.1"]}]""", "Hostfile: names one rank only; name a second host, or leave \"Distributed\" out.")]
    [InlineData("""[{"ssh":"studio1","ips":["10.0.0.1"]},{"ssh":"studio2"}]""", "Hostfile: has no address for \"studio2\", and a ring needs one of each host.")]
    [InlineData("""[{"ssh":"studio1","ips":["127.0.0.1"]},{"ssh":"studio2","ips":["10.0.0.2"]}]""", "Hostfile: has 127.0.0.1 for the first host, which only that host itself can reach; write the address that the others have for it.")]
    [InlineData("""{"backend":"nccl","hosts":[{"ssh":"studio1"},{"ssh":"studio2"}]}""", "Hostfile: has no address for the first host, \"studio1\", and all others connect to that.")]
    [InlineData("""{"backend":"jaccl","hosts":[{"ssh":"studio1","ips":["10.0.0.1"],"rdma":[null,"rdma_en5"]},{"ssh":"studio2","rdma":[null,"rdma_en5"]}]}""",
        "Hostfile: has no \"rdma\" device of each host for each other one, null for itself; let mlx.distributed_config write it with --backend jaccl.")]
    [InlineData("""{"backend":"thunder","hosts":[{"ssh":"studio1","ips":["10.0.0.1"]},{"ssh":"studio2","ips":["10.0.0.2"]}]}""", "Hostfile: \"thunder\" is no backend; known: ring, jaccl, jaccl-ring, nccl, mpi.")]
    [InlineData("""{"backend":"mpi","hosts":[{"ssh":"studio1"},{"ssh":"studio2"}]}""", null)]
    [InlineData("""{"backend":"jaccl","hosts":[{"ssh":"studio1","ips":["10.0.0.1"],"rdma":[null,"rdma_en5"]},{"ssh":"studio2","rdma":["rdma_en5",null]}]}""", null)]
    [InlineData(Two, null)]
    public void Check_Hostfile_SaysWhatTheLauncherWouldEndOver(string file, string? expected)
    {
        var path = file.Length == 0 ? null : "hosts.json";
        if (file.Length > "hosts.json".Length)
        {
            _folder.Write("hosts.json", file);
        }

        var breaches = Breaches(new() { Source = "org/a", Runner = "mlx_lm", Distributed = new() { Hostfile = path } });

        Assert.Equal(expected is null ? [] : [$"MlxGateway:Models:a:Distributed:{expected.Replace("{folder}", _folder.Path, StringComparison.Ordinal)}"], breaches);
    }

    [Fact]
    public void Check_EveryBreachAtOnce_NamesItsKey()
    {
        _folder.Write("hosts.json", Two);

        Assert.Equal(
            [
                "MlxGateway:Models:a:MaxConcurrency: is more than 1, and ranks on several hosts lose step with each other over requests that overlap; leave it out, or write 1.",
                "MlxGateway:Models:a:Distributed:Env:1X: is no name of an environment variable; write letters, digits and \"_\", with no digit in front.",
                "MlxGateway:Models:a:Distributed:Hosts: is there beside \"Hostfile\"; leave out one or the other.",
                "MlxGateway:Models:a:Distributed:RepeatHosts: does not go with \"Hostfile\"; name a host in the file as often as it is to have ranks.",
                "MlxGateway:Models:a:Distributed:Backend: \"rings\" is no backend; known: ring, jaccl, jaccl-ring, nccl, mpi.",
            ],
            Breaches(new()
            {
                Source = "org/a", Runner = "mlx_lm", MaxConcurrency = 4,
                Distributed = new() { Hostfile = "hosts.json", Hosts = ["10.0.0.1"], RepeatHosts = 2, Backend = "rings", Env = { ["1X"] = "", ["OK_1"] = "" } },
            }));
    }

    [Fact]
    public void Check_HostsByName_AreNoRing() => Assert.Equal(
        ["MlxGateway:Models:a:Distributed:Hosts: has no address for \"studio1\", and a ring needs one of each host."],
        Breaches(new() { Source = "org/a", Runner = "mlx_lm", Distributed = new() { Hosts = ["studio1", "studio2"] } }));

    [Fact]
    public void Check_AnotherKind_IsNotDistributed() => Assert.Equal(
        ["MlxGateway:Models:a:Distributed: belongs to a runner of the kind \"mlx_lm\", and this model's is \"llama_server\"; leave it out."],
        Breaches(new() { Source = "org/a", Runner = "llama_server", Distributed = new() { Hosts = ["10.0.0.1", "10.0.0.2"] } }));

    [Fact]
    public void Read_DistributedModel_ServesOneRequestAtATimeOnTheHostsOfTheFile()
    {
        _folder.Write("hosts.json", $$"""{"backend":"mpi","hosts":{{Two}}}""");
        var model = Read(new() { Source = "org/a", Runner = "mlx_lm", Distributed = new() { Hostfile = "hosts.json", Pipeline = true, Env = { ["A"] = "${B}" }, StartingPort = 5000, Python = "/opt/python" } });

        Assert.Equal(1, model.MaxConcurrency);
        Assert.Equal(
            new DistributedSpec
            {
                Hostfile = Path.Combine(_folder.Path, "hosts.json"), Hosts = [new("studio1", ["10.0.0.1"]), new("studio2", ["10.0.0.2"])], Backend = "mpi", Pipeline = true,
                Env = new ValueMap([new("A", "${B}")]), StartingPort = 5000, Python = "/opt/python",
            },
            model.Distributed);
        Assert.Equal([0], model.Distributed!.LocalRanks);
    }

    [Fact]
    public void Read_ListedHostsRepeated_HaveTheirRanksTogether()
    {
        var distributed = Read(new() { Source = "org/a", Runner = "mlx_lm", Distributed = new() { Hosts = ["10.0.0.1", "10.0.0.2"], RepeatHosts = 2 } }).Distributed!;

        Assert.Equal((4, "ring"), (distributed.Ranks, distributed.Backend));
        Assert.Equal(["10.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.2"], distributed.Hosts.Select(host => host.Name));
        Assert.Equal([0, 1], distributed.LocalRanks);
    }

    // What the file says is part of what is launched: a runner of other hosts is another one.
    [Fact]
    public void LaunchesLike_FileOfOtherHosts_IsAnotherLaunch()
    {
        var options = new ModelOptions { Source = "org/a", Runner = "mlx_lm", Distributed = new() { Hostfile = "hosts.json" } };
        _folder.Write("hosts.json", Two);
        var (before, same) = (Read(options), Read(options));
        _folder.Write("hosts.json", Two.Replace("10.0.0.2", "10.0.0.3", StringComparison.Ordinal));

        Assert.True(before.LaunchesLike(same));
        Assert.Equal(before.LaunchFingerprint, same.LaunchFingerprint);
        Assert.False(before.LaunchesLike(Read(options)));
        Assert.NotEqual(before.LaunchFingerprint, Read(options).LaunchFingerprint);
    }

    [Fact]
    public void Read_FileOfHostsThatIsGone_IsNotLaunchedAtAll()
    {
        var model = Read(new() { Source = "org/a", Runner = "mlx_lm", Distributed = new() { Hostfile = "hosts.json" } });

        Assert.Equal($"\"Distributed:Hostfile\" the file {_folder.In("hosts.json")} does not exist; write the path of a file that mlx.distributed_config has written.", model.Missing);
    }

    private ModelSpec Read(ModelOptions options) => Assert.Single(new ConfiguredModels(TemporaryFolder.Lenient).Read(_folder.Settings(new() { ["a"] = options })));

    private IReadOnlyList<string> Breaches(ModelOptions options)
    {
        var errors = new SettingsErrors();
        ModelRules.Check(_folder.Settings(new() { ["a"] = options }), errors, TemporaryFolder.Lenient);
        return [.. errors.All.Select(error => error.ToString())];
    }
}
