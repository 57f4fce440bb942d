using System.ComponentModel.DataAnnotations;

namespace MlxGateway.Access;

/// <summary><c>MlxGateway:Access:Keys:NAME</c>: who may do what. The key itself is nowhere written down.</summary>
public sealed class KeyOptions
{
    /// <summary>The SHA-256 of the key, as <c>sha256:</c> and 64 hexadecimal digits.</summary>
    [Required]
    public string? Hash { get; set; }

    /// <summary>What it may be used for: <c>inference</c> (requests to models, and the list of them), <c>read</c> (looking at everything), <c>admin</c> (steering, and looking).</summary>
    public List<string> Scopes { get; set; } = [ScopeNames.Inference];

    /// <summary>The ids of the models that it may use; an entry that ends with <c>*</c> stands for all that begin so. None: every model.</summary>
    public List<string> Models { get; set; } = [];

    /// <summary>Requests to models at once; 0: no limit of its own.</summary>
    [Range(0, 100_000)]
    public int MaxConcurrency { get; set; }

    /// <summary>Requests to models a minute; 0: no limit. As many may come at once, and then they come back evenly over the minute.</summary>
    [Range(0, 1_000_000)]
    public int RequestsPerMinute { get; set; }
}
