namespace MlxGateway.DemoRunner;

/// <summary>The way in. A class with a namespace of its own, because the gateway's <c>Program</c> lies in the same folder and in the same tests.</summary>
internal static class Program
{
    private const int Usage = 2;

    private static async Task<int> Main(string[] args)
    {
        if (args is [Relatives.EscapeArgument])
        {
            return Relatives.Escape();
        }

        if (args.Contains("--help"))
        {
            Console.Out.Write(CommandLine.Help());
            return 0;
        }

        RunnerOptions options;
        try
        {
            options = CommandLine.Parse(args);
        }
        catch (FormatException error)
        {
            Console.Error.WriteLine($"MlxGateway.DemoRunner: {error.Message} (--help lists the switches)");
            return Usage;
        }

        return await Runner.RunAsync(options, TimeProvider.System);
    }
}
