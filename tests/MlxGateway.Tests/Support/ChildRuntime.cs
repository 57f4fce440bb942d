using System.Runtime.CompilerServices;

namespace MlxGateway.Tests.Support;

/// <summary>How the .NET programs run that a test program starts: hundreds of gateways and runners that live for seconds, whose start is most of what they cost.</summary>
internal static class ChildRuntime
{
#pragma warning disable CA2255 // It must come before the first test, whichever that is.
    [ModuleInitializer]
    internal static void IsMadeForShortLives()
    {
        // A quarter of the processor time of a start goes into code that is observed for a better version of it, and into pages that are mapped twice so that none is writable and executable.
        Environment.SetEnvironmentVariable("DOTNET_TieredPGO", "0");
        Environment.SetEnvironmentVariable("DOTNET_EnableWriteXorExecute", "0");
    }
#pragma warning restore CA2255
}
