using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>How <c>llama-server</c> is told to load its weights. Versions of 2026 have <c>--load-mode</c> in place of <c>--no-mmap</c>, <c>--mlock</c> and <c>--direct-io</c>, and do not start with one of these, which is what everybody has written for years. Pure.</summary>
internal static class LlamaLoading
{
    private static readonly LlamaFlag Mode = new("LLAMA_ARG_LOAD_MODE", "--load-mode", "-lm");
    private static readonly LlamaSwitch Maps = new(new("LLAMA_ARG_MMAP", "--mmap"), "--no-mmap");
    private static readonly LlamaSwitch Locks = new(new("LLAMA_ARG_MLOCK", "--mlock"));
    private static readonly LlamaSwitch Direct = new(new("LLAMA_ARG_DIO", "--direct-io", "-dio"), "--no-direct-io", "-ndio");

    /// <summary>What the user said, in the words of the version: the older switches as its mode where it has only that, and has not been told one.</summary>
    /// <param name="args">What the user said.</param>
    /// <param name="known">The flags that the program says it has.</param>
    public static IEnumerable<string> WordsOf(LlamaArguments args, IReadOnlySet<string> known)
    {
        LlamaSwitch[] gone = [.. new[] { Maps, Locks, Direct }.Where(one => !one.Yes.Names.Any(known.Contains) && !one.No.Any(known.Contains))];
        if (gone.Length == 0 || !Mode.Names.Any(known.Contains) || args.Has(Mode))
        {
            return args.Words;
        }

        bool? Said(LlamaSwitch which) => gone.Contains(which) ? args.IsOn(which) : null;
        var mode = Said(Direct) == true ? "dio"
            : Said(Locks) == true ? (Said(Maps) == false ? "mlock" : "mmap+mlock")
            : Said(Maps) is { } maps ? (maps ? "mmap" : "none")
            : null;
        return [.. mode is null ? [] : (string[])[Mode.Names[0], mode], .. args.Words.Where(word => !gone.Any(one => one.Yes.Names.Contains(word) || one.No.Contains(word)))];
    }
}
