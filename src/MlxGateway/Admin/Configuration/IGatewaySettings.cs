namespace MlxGateway.Admin.Configuration;

/// <summary>The settings of the whole house, which only its entrance hall knows.</summary>
internal interface IGatewaySettings
{
    /// <summary>What is in force, with every default and without secrets, and where it comes from.</summary>
    SettingsAnswer Describe();

    /// <summary>Reads the configuration again and puts in force what has changed. A mistake anywhere leaves everything as it was.</summary>
    ReloadOutcome Reload();
}

/// <summary>What came of reading the configuration again.</summary>
/// <param name="Changed">The keys that have changed and are in force now.</param>
/// <param name="AtNextStart">The keys that are not what the gateway was started with, and will be in force at its next start.</param>
/// <param name="Mistakes">What is wrong, a sentence each. With any, nothing has changed.</param>
internal sealed record ReloadOutcome(IReadOnlyList<string> Changed, IReadOnlyList<string> AtNextStart, IReadOnlyList<string> Mistakes)
{
    /// <summary>Something is wrong.</summary>
    public static ReloadOutcome Rejected(IReadOnlyList<string> mistakes) => new([], [], mistakes);
}
