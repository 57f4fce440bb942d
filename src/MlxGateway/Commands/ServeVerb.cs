using System.CommandLine;

namespace MlxGateway.Commands;

/// <summary><c>serve</c>: it has switches of its own, which the configuration reads; here is what its help says of them.</summary>
internal static class ServeVerb
{
    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools) => tools.Plain(
        "serve",
        "Serves every local model on one port, until it is told to stop",
        (_, _) => tools.House.Serve([]),
        new Option<string?>("--config") { Description = "A configuration file on top of appsettings.json", HelpName = "FILE" },
        new Option<string?>("--model") { Description = "The model to load first", HelpName = "ID" },
        new Option<string?>("--port") { Description = "The port; 0: any free one", HelpName = "N" },
        new Option<string?>("--urls") { Description = "The addresses to listen on, http://127.0.0.1:1234 by default", HelpName = "ADDRESSES" },
        new Option<string?>("--Section:Key") { Description = "Any key of the configuration, for example --MlxGateway:Residency:MaxResident 0", HelpName = "VALUE" });
}
