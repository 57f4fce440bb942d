using System.CommandLine;
using MlxGateway.Supervision.Memory;
using MlxGateway.Supervision.Processes;
using MlxGateway.Supervision.Runners.Engines;

namespace MlxGateway.Commands.Checking;

/// <summary><c>doctor</c>: what keeps a gateway from starting, or models from running, on this machine.</summary>
internal static class DoctorVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools)
    {
        var command = tools.Plain("doctor", "Checks engines, Python, memory, ports, disk, limits and configuration of this machine, and says how to mend what is wrong. Exit code 1 if there is a problem", async (parse, cancellationToken) =>
        {
            await using var report = tools.House.Configuration(CallOptions.Switches(parse));
            var findings = new List<Finding>();
            foreach (var check in Checks(report, tools))
            {
                findings.AddRange(await check.LookAsync(cancellationToken));
            }

            if (parse.GetValue(CallOptions.Json))
            {
                DoctorPage.WriteJson(tools.Terminal, findings);
            }
            else
            {
                DoctorPage.Write(tools.Terminal, findings);
            }

            return findings.Exists(static f => f.Verdict == Verdict.Problem) ? Exits.Refused : Exits.Done;
        });
        foreach (var option in (Option[])[CallOptions.Json, CallOptions.Config, CallOptions.Port])
        {
            command.Options.Add(option);
        }

        return command;
    }

    private static IEnumerable<ICheck> Checks(ConfigurationReport report, Tools tools) =>
    [
        new ConfigurationCheck(report),
        new DiskCheck(new MachineDisk(), report.StateFolder, report.ModelFolder), // before the engines, which write down what they say
        new EngineCheck(report.Cellar.GetServices<IEngine>()),
        new MemoryCheck(report.Cellar.GetRequiredService<IMemoryGauge>(), MemoryLimits.Read()),
        new PortCheck(report.Listens, tools.Time),
        new FileLimitCheck(OpenFileLimit.Read()),
        new LeftBehindCheck(report.StateFolder),
    ];
}
