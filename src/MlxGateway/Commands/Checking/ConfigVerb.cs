using System.CommandLine;
using System.Text.Json;
using MlxGateway.Commands.Terminals;

namespace MlxGateway.Commands.Checking;

/// <summary><c>config</c>: what is configured, and whether it would do.</summary>
internal static class ConfigVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools) => tools.Plain(
        "config",
        "Checks, shows and reads again what is configured",
        (_, _) => Task.FromResult(tools.Fail(Exits.Usage, "Say what: config check, config show or config reload.")),
        Check(tools),
        tools.Calling("show", "Shows the configuration that is in force in the running gateway, with every default, secrets masked", async (gateway, _, cancellationToken) =>
            tools.Pass(await gateway.GetAsync("/api/config", cancellationToken))),
        tools.Calling("reload", "Lets the running gateway read its files again, and says what changed", async (gateway, _, cancellationToken) =>
            tools.Pass(await gateway.PostAsync("/api/config/reload", null, cancellationToken))));

    private static Command Check(Tools tools)
    {
        var command = tools.Plain("check", "Reads the configuration as a start would, and names every mistake", async (parse, _) =>
        {
            await using var report = tools.House.Configuration(CallOptions.Switches(parse));
            return parse.GetValue(CallOptions.Json) ? Json(tools.Terminal, report) : Say(tools, report);
        });
        foreach (var option in (Option[])[CallOptions.Config, CallOptions.Port, CallOptions.Json])
        {
            command.Options.Add(option);
        }

        return command;
    }

    private static int Say(Tools tools, ConfigurationReport report)
    {
        foreach (var mistake in report.Mistakes)
        {
            tools.Terminal.Error.WriteLine(Terminal.Clean(mistake));
        }

        if (report.Mistakes.Count > 0)
        {
            return tools.Fail(Exits.Configuration, report.Mistakes.Count == 1 ? "The configuration has a mistake." : $"The configuration has {report.Mistakes.Count} mistakes.");
        }

        var read = report.Files.Where(File.Exists).ToList();
        tools.Terminal.Out.WriteLine(Terminal.Clean(
            $"The configuration is in order: {(read.Count == 0 ? "no file, all defaults" : string.Join(", ", read))}; it names {report.Models} model{(report.Models == 1 ? "" : "s")} and listens on {string.Join(", ", report.Listens)}."));
        return Exits.Done;
    }

    private static int Json(Terminal terminal, ConfigurationReport report)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteBoolean("ok", report.Mistakes.Count == 0);
            JsonLists.Write(json, "files", report.Files);
            JsonLists.Write(json, "mistakes", report.Mistakes);
            JsonLists.Write(json, "listens", report.Listens.Select(static l => l.ToString()));
            json.WriteNumber("models", report.Models);
            json.WriteEndObject();
        }

        terminal.Out.WriteLine(System.Text.Encoding.UTF8.GetString(buffer.ToArray()));
        return report.Mistakes.Count == 0 ? Exits.Done : Exits.Configuration;
    }
}
