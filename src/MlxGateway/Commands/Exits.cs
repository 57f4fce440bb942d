namespace MlxGateway.Commands;

/// <summary>What scripts are told by; the codes from 64 on are those of <c>sysexits.h</c>.</summary>
internal static class Exits
{
    /// <summary>It was done.</summary>
    public const int Done = 0;

    /// <summary>The gateway refused, or a check found a problem.</summary>
    public const int Refused = 1;

    /// <summary>The command line makes no sense (<c>EX_USAGE</c>).</summary>
    public const int Usage = 64;

    /// <summary>No gateway answers (<c>EX_UNAVAILABLE</c>).</summary>
    public const int NoGateway = 69;

    /// <summary>The configuration is wrong (<c>EX_CONFIG</c>).</summary>
    public const int Configuration = 78;

    /// <summary>Ended by Ctrl+C, as a shell says it.</summary>
    public const int Interrupted = 130;
}
