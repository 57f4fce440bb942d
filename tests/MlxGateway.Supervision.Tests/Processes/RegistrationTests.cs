using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MlxGateway.Supervision.Processes;
using Xunit;

namespace MlxGateway.Supervision.Tests.Processes;

/// <summary>That one line gives a host everything of this room.</summary>
public sealed class RegistrationTests
{
    [Fact]
    public async Task AddProcesses_GivesAllThatIsNeeded_AndItsEndStopsTheChildren()
    {
        var folder = Directory.CreateTempSubdirectory("mlxgateway-").FullName;
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddProcesses(new ProcessesOptions { StateDirectory = folder });
        ChildProcess child;
        using (var host = builder.Build())
        {
            await host.StartAsync(TestContext.Current.CancellationToken);
            Assert.NotEqual(host.Services.GetRequiredService<PortAllocator>().Allocate(), host.Services.GetRequiredService<PortAllocator>().Allocate());
            child = host.Services.GetRequiredService<IChildProcesses>().Start(
                new ChildCommand { Label = "x", Executable = "sleep", Arguments = ["1000"], Environment = Household.Variables });
            await host.StopAsync(TestContext.Current.CancellationToken);
        }

        Assert.Equal(15, (await child.Exited).Signal);
        Directory.Delete(folder, recursive: true);
    }
}
