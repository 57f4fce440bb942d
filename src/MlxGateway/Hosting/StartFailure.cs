namespace MlxGateway.Hosting;

/// <summary>Why the gateway does not start, as it is told on the terminal: sentences, never a stack trace.</summary>
/// <param name="ExitCode">What a service manager sees; the codes are those of <c>sysexits.h</c>.</param>
/// <param name="Sentences">One line each.</param>
internal sealed record StartFailure(int ExitCode, IReadOnlyList<string> Sentences)
{
    /// <summary>The configuration is wrong (<c>EX_CONFIG</c>).</summary>
    public const int Configuration = 78;

    /// <summary>The port is taken (<c>EX_TEMPFAIL</c>): trying again later may help.</summary>
    public const int PortTaken = 75;

    /// <summary>Says it on the standard error and returns the exit code.</summary>
    public int Report()
    {
        foreach (var sentence in Sentences)
        {
            Console.Error.WriteLine(sentence);
        }

        return ExitCode;
    }
}
