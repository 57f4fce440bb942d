#pragma warning disable CA1416 // There is no Windows here.
using MlxGateway.Commands.Installing;
using MlxGateway.Supervision.Tests;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.Commands;

/// <summary>The gateway as a service of a person's session.</summary>
public sealed class ServiceTests : IDisposable
{
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("mlxgateway-home-");

    [Fact]
    public void Unit_OfSystemd_StartsExactlyTheseWords() =>
        Golden.Equal("service-systemd", Systemd.Plan("/home/anna/.config", ["/opt/mlx gateway/MlxGateway", "serve", "--config", "/home/anna/100%/$x \"y\".json"]).Text);

    [Fact]
    public void Agent_OfLaunchd_StartsExactlyTheseWords()
    {
        var plan = Launchd.Plan("/Users/anna", "501", ["/opt/mlxgateway/MlxGateway", "serve", "--config", "/Users/anna/<a> & b.json"]);

        Golden.Equal("service-launchd", plan.Text);
        Assert.Equal("/Users/anna/Library/LaunchAgents/mlxgateway.plist", plan.Path);
        Assert.Equal(["launchctl", "bootstrap", "gui/501", plan.Path], Assert.Single(plan.Install));
        var words = System.Xml.Linq.XDocument.Load(new StringReader(plan.Text.Replace("<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n", "", StringComparison.Ordinal))).Descendants("array").Single().Elements().Select(e => e.Value);
        Assert.Equal(["/opt/mlxgateway/MlxGateway", "serve", "--config", "/Users/anna/<a> & b.json"], words);
    }

    [Fact]
    public async Task Install_Status_Uninstall_WriteAndRunWhatTheySay()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "On macOS it is launchd's.");
        var config = Path.Combine(_home.FullName, "my gateway.json");
        await File.WriteAllTextAsync(config, "{}", TestContext.Current.CancellationToken);
        var unit = Path.Combine(_home.FullName, ".config", "systemd", "user", "mlxgateway.service");
        var variables = Manager("echo \"$*\" >> \"$HOME/ran\"");

        var dry = await Cli.ProcessAsync(["service", "install", "--dry-run", "--config", config], variables);
        Assert.Equal(0, dry.ExitCode);
        Assert.False(File.Exists(unit));
        Assert.Contains("Would run systemctl --user enable --now mlxgateway.service", dry.Out, StringComparison.Ordinal);

        Assert.Equal(1, (await Cli.ProcessAsync(["service", "status"], variables)).ExitCode);
        var installed = await Cli.ProcessAsync(["service", "install", "--config", config, "--port", "4321"], variables);
        Assert.Equal(0, installed.ExitCode);
        Assert.Contains($"ExecStart={Cli.Program} serve --config \"{config}\" --port 4321\n", await File.ReadAllTextAsync(unit, TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal(0, (await Cli.ProcessAsync(["service", "status"], variables)).ExitCode);
        var removed = await Cli.ProcessAsync(["service", "uninstall"], variables);
        Assert.Equal(0, removed.ExitCode);
        Assert.False(File.Exists(unit));
        Assert.Contains($"Deleted {unit}.", removed.Out, StringComparison.Ordinal);
        Assert.Equal(
            ["--user daemon-reload", "--user enable --now mlxgateway.service", "--user status --no-pager mlxgateway.service", "--user disable --now mlxgateway.service", "--user daemon-reload"],
            await File.ReadAllLinesAsync(Path.Combine(_home.FullName, "ran"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Install_WhereTheManagerFails_SaysItsWordsAndWhatToRun()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "On macOS it is launchd's.");
        var told = await Cli.ProcessAsync(["service", "install"], Manager("echo 'Failed to connect to bus' >&2; exit 1"));

        Assert.Equal(1, told.ExitCode);
        Assert.Contains("Failed to connect to bus", told.Out, StringComparison.Ordinal);
        Assert.Contains("Run it yourself once the cause is mended: systemctl --user daemon-reload && systemctl --user enable --now mlxgateway.service\n", told.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Install_WithAConfigurationThatIsNotThere_WritesNothing()
    {
        var told = await Cli.ProcessAsync(["service", "install", "--config", "/nowhere/x.json"], Manager("exit 0"));

        Assert.Equal(78, told.ExitCode);
        Assert.Empty(told.Out);
    }

    /// <inheritdoc/>
    public void Dispose() => _home.Delete(recursive: true);

    // A service manager that does only this.
    private Dictionary<string, string> Manager(string script)
    {
        var folder = _home.CreateSubdirectory("bin");
        var path = Path.Combine(folder.FullName, "systemctl");
        Scripts.Write(path, $"#!/bin/sh\n{script}\n");
        return new() { ["HOME"] = _home.FullName, ["PATH"] = $"{folder.FullName}:/usr/bin:/bin", ["XDG_CONFIG_HOME"] = "" };
    }
}
