using System.Diagnostics;
using System.Globalization;

namespace MlxGateway.Simulation;

/// <summary>Runs worlds, one after the other, and stops at the first law that is broken. Exit codes: 0, 1 for a breach, 2 for words that are not understood.</summary>
internal static class Program
{
    public static int Main(string[] words)
    {
        if (words is ["--apply", var mutant, "--to", var folder])
        {
            return Mutant.Apply(mutant, folder);
        }

        Arguments arguments;
        try
        {
            arguments = Arguments.Parse(words);
        }
        catch (FormatException exception)
        {
            Console.Error.WriteLine($"{exception.Message} Usage: {Arguments.Usage}");
            return 2;
        }

        return Run(arguments);
    }

    private static int Run(Arguments arguments)
    {
        var began = Stopwatch.GetTimestamp();
        var total = new Totals();
        for (var seed = arguments.First; seed <= arguments.Last; seed++)
        {
            var world = new World(seed, arguments.Events, arguments.Verbose ? Console.Out : null);
            try
            {
                world.Run();
            }
            catch (BreachException breach)
            {
                Tell(breach, seed, world, arguments);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"breach after {total.Events + world.Trace.Count} events"));
                return 1;
            }

            total.Add(world);
            if (arguments.First == arguments.Last)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seed {seed}: trace {world.Trace.Hash:x16}"));
            }
        }

        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{total.Worlds} worlds, {total.Events} events, {total.Turns} turns, {total.Grants} leases, {total.Launches} launches, {total.Days:0.0} virtual days, no breach"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{total.Events / seconds:0} events/s, {total.Turns / seconds:0} turns/s"));
        return 0;
    }

    private static void Tell(BreachException breach, ulong seed, World world, Arguments arguments)
    {
        foreach (var line in world.Trace.Last())
        {
            Console.WriteLine(line);
        }

        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"BREACH in seed {seed} at {world.Time.Now.TotalSeconds:0.0000000} s: {breach.Message}"));
        var options = world.Scenario.Options;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"MaxResident {options.MaxResident}, SwapPatience {options.SwapPatience?.ToString() ?? "auto"}, DrainTimeout {options.DrainTimeout}, LaunchTimeout {options.LaunchTimeout}, IdleTimeout {options.IdleTimeout}, QueueLimit {options.QueueLimit}, Cooldown {options.Cooldown}, may use {world.Scenario.Ceiling}"));
        foreach (var model in world.Scenario.Models)
        {
            var spec = model.Current;
            Console.WriteLine($"{spec.Id}: {string.Join(" or ", model.NeedsOf(spec).Choices.Select(c => c.Total))}{(spec.Pinned ? ", pinned" : "")}, MaxConcurrency {spec.MaxConcurrency}");
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"dotnet run -c Release --project tests/MlxGateway.Simulation -- --seed {seed} --events {arguments.Events} --verbose"));
    }

    private sealed class Totals
    {
        public int Worlds { get; private set; }

        public long Events { get; private set; }

        public long Turns { get; private set; }

        public long Grants { get; private set; }

        public long Launches { get; private set; }

        public double Days { get; private set; }

        public void Add(World world)
        {
            Worlds++;
            Events += world.Trace.Count;
            Turns += world.Thread.Turns;
            Grants += world.Referee.Grants;
            Launches += world.Referee.Launches;
            Days += world.Time.Now.TotalDays;
        }
    }
}
