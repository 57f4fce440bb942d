using System.CommandLine;

namespace MlxGateway.Commands;

/// <summary><c>completion</c>: what makes a shell complete the commands. The shell asks this program, so that it completes the ids of models too.</summary>
internal static class CompletionVerb
{
    /// <summary>The word by which a shell asks.</summary>
    public const string Question = "complete";

    private const string Bash = """
        _mlxgateway() {
          local text=${COMP_LINE:0:${COMP_POINT:-0}} line last cut=
          local -a words=("${COMP_WORDS[@]:0:COMP_CWORD+1}")
          if [[ -n $text ]]; then
            read -ra words <<< "$text"
            [[ $text == *[[:space:]] ]] && words+=("")
          fi
          # Bash ends a word at a colon, and replaces only what stands behind the last one.
          last=${words[${#words[@]}-1]}
          [[ $COMP_WORDBREAKS == *:* && $last == *:* ]] && cut=${last%"${last##*:}"}
          COMPREPLY=()
          while IFS= read -r line; do COMPREPLY+=("${line#"$cut"}"); done < <(MlxGateway complete "${words[@]:1}" 2>/dev/null)
        }
        complete -o default -F _mlxgateway MlxGateway
        """;

    private const string Zsh = """
        _mlxgateway() {
          local -a found
          found=("${(@f)$(MlxGateway complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
          compadd -Q -- $found
        }
        (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
        compdef _mlxgateway MlxGateway
        """;

    private const string Fish = """
        complete -c MlxGateway -f -a '(MlxGateway complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
        """;

    /// <summary>Makes the command.</summary>
    public static Command Build(Tools tools)
    {
        var shell = new Argument<string>("SHELL") { Description = "bash, zsh or fish" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish");
        return tools.Plain(
            "completion",
            "Prints what makes a shell complete the commands, their switches and the ids of models",
            (parse, _) =>
            {
                tools.Terminal.Out.WriteLine(parse.GetValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => Fish });
                return Task.FromResult(Exits.Done);
            },
            shell);
    }

    /// <summary>Answers a shell: what the last of these words may become, one a line.</summary>
    public static int Answer(string[] words, Tools tools)
    {
        var text = string.Join(' ', words.Select(static word => word.Contains(' ', StringComparison.Ordinal) ? $"\"{word}\"" : word));
        var begun = words.Length == 0 ? "" : words[^1];
        var found = CommandLine.Root(words.Length > 1 ? words : [], tools).Parse(text).GetCompletions(text.Length)
            .Select(static c => c.InsertText ?? c.Label)
            .Where(label => label.StartsWith(begun, StringComparison.OrdinalIgnoreCase) && label is not ("/?" or "/h" or "-?"))
            .Distinct(StringComparer.Ordinal);
        foreach (var label in found)
        {
            tools.Terminal.Out.WriteLine(Terminals.Terminal.Clean(label));
        }

        return Exits.Done;
    }
}
