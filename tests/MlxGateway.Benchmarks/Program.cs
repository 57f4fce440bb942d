namespace MlxGateway.Benchmarks;

/// <summary>The way in: without a mode it conducts the measurements, with one it is one of the processes that are measured or that measure.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        try
        {
            return args switch
            {
                ["upstream", .. var rest] => await Upstream.RunAsync(Arguments.Parse(rest)),
                ["forwarder", .. var rest] => await Forwarder.RunAsync(Arguments.Parse(rest)),
                ["streams", .. var rest] => await StreamLoad.RunAsync(Arguments.Parse(rest)),
                ["collector", .. var rest] => await TelemetryScenario.CollectAsync(Arguments.Parse(rest)),
                ["load", .. var rest] => await LoadGenerator.RunAsync(Arguments.Parse(rest)),
                _ => await Conductor.RunAsync(Arguments.Parse(args)),
            };
        }
        catch (FormatException error)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return 2;
        }
    }
}
