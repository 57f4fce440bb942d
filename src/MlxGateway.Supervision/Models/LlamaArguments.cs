using System.Globalization;

namespace MlxGateway.Supervision.Models;

/// <summary>What a user told <c>llama-server</c>: in <c>Args</c>, or by the variables that it reads, of the model's <c>Env</c> or of the gateway's own environment, which runners get too. Whoever adds arguments and whoever estimates reads it here.</summary>
/// <remarks>As the program reads it: a flag wins over a variable, the last of several flags over the others, and <c>--ctx_size</c> is <c>--ctx-size</c>.</remarks>
internal sealed class LlamaArguments
{
    private const string Prefix = "LLAMA_ARG_";
    private readonly ValueMap _variables;

    /// <param name="model">What was configured for the model.</param>
    public LlamaArguments(ModelSpec model)
        : this(model.Args, model.Env)
    {
    }

    /// <param name="arguments">Its arguments, as they were written.</param>
    /// <param name="variables">Its own variables, as they were written.</param>
    public LlamaArguments(IReadOnlyList<string> arguments, ValueMap variables)
    {
        Words = [.. arguments.SelectMany(Parts)];
        _variables = variables;
    }

    /// <summary>The arguments in the form that the program takes: a flag and its value are two, also where <c>--flag=value</c> was written.</summary>
    public IReadOnlyList<string> Words { get; }

    /// <summary>Whether a flag was said, by whatever means.</summary>
    public bool Has(LlamaFlag flag) => Words.Any(flag.Names.Contains) || Variable(flag.Variable) is not null;

    /// <summary>The value of a flag; null where it was not said.</summary>
    public string? Text(LlamaFlag flag)
    {
        for (var i = Words.Count - 1; i >= 0; i--)
        {
            if (flag.Names.Contains(Words[i]))
            {
                return i + 1 < Words.Count ? Words[i + 1] : null;
            }
        }

        return Variable(flag.Variable);
    }

    /// <summary>The value of a flag as a whole number; null where it was not said or is none.</summary>
    public int? Number(LlamaFlag flag) => int.TryParse(Text(flag), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>All values of a flag that may be said several times, in their order.</summary>
    public IEnumerable<string> Texts(LlamaFlag flag) => Words.Zip(Words.Skip(1)).Where(pair => flag.Names.Contains(pair.First)).Select(pair => pair.Second);

    /// <summary>Whether something is on; null where nothing was said of it.</summary>
    public bool? IsOn(LlamaSwitch which)
    {
        for (var i = Words.Count - 1; i >= 0; i--)
        {
            if (which.Yes.Names.Contains(Words[i]) || which.No.Contains(Words[i]))
            {
                return which.Yes.Names.Contains(Words[i]);
            }
        }

        // NO_ in front turns it off whatever the value says.
        var name = which.Yes.Variable;
        return which.No.Length > 0 && name is not null && Variable($"{Prefix}NO_{name[Prefix.Length..]}") is not null ? false
            : Variable(name) is { } value ? value is "1" or "on" or "true" or "enabled"
            : null;
    }

    /// <summary>Whether scores are written down because flash attention was forbidden.</summary>
    public bool WritesScores => Text(LlamaFlags.FlashAttention) is "off" or "0" or "false" or "disabled";

    private string? Variable(string? name) =>
        name is null ? null : _variables.Entries.TryGetValue(name, out var own) ? VariableText.Expand(own) : Environment.GetEnvironmentVariable(name) is { Length: > 0 } inherited ? inherited : null;

    private static IEnumerable<string> Parts(string argument)
    {
        var end = argument.IndexOf('=', StringComparison.Ordinal);
        if (!argument.StartsWith("--", StringComparison.Ordinal))
        {
            // One dash and an equals sign may be a value, but hardly of a flag that is known here.
            return argument.StartsWith('-') && end > 1 && char.IsAsciiLetter(argument[1]) ? [argument[..end], argument[(end + 1)..]] : [argument];
        }

        return end < 0 ? [argument.Replace('_', '-')] : [argument[..end].Replace('_', '-'), argument[(end + 1)..]];
    }
}
