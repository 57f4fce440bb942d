namespace MlxGateway.Access;

/// <summary><c>MlxGateway:Access</c>: who may use the gateway.</summary>
public sealed class AccessOptions
{
    /// <summary>Whether an address other than loopback may be listened on without keys. Whoever can reach it can then use every model.</summary>
    public bool AllowAnonymousNetwork { get; set; }
}
