namespace MlxGateway.Access;

/// <summary>What a key may be used for.</summary>
[Flags]
internal enum Scopes
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Requests to models, and the list of them.</summary>
    Inference = 1,

    /// <summary>Looking at what is in memory, who waits and why.</summary>
    Read = 2,

    /// <summary>Steering. Whoever may do that may look as well.</summary>
    Admin = 4 | Read,
}

/// <summary>How scopes are written.</summary>
internal static class ScopeNames
{
    public const string Inference = "inference";

    public const string Read = "read";

    public const string Admin = "admin";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Inference, Read, Admin];

    /// <summary>The scope of this name; none if it is not one.</summary>
    public static Scopes Parse(string name) => name switch
    {
        Inference => Scopes.Inference,
        Read => Scopes.Read,
        Admin => Scopes.Admin,
        _ => Scopes.None,
    };
}
