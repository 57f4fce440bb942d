using System.ComponentModel.DataAnnotations;

namespace MlxGateway.Admin;

/// <summary><c>MlxGateway:Admin</c>: what may be done through the gateway, and what it remembers.</summary>
public sealed class AdminOptions
{
    /// <summary>Whether <c>DELETE /models</c> removes models of the Hugging Face cache and of <c>Discovery:Folders</c> from the disk.</summary>
    public bool AllowDelete { get; set; }

    /// <summary>Whether <c>GET /unload</c> unloads, as scripts for llama-swap expect it. Otherwise only POST does.</summary>
    public bool AllowGetUnload { get; set; }

    /// <summary>How many requests that are over are remembered, over restarts too; 0: none.</summary>
    [Range(0, 1_000_000)]
    public int History { get; set; } = 10_000;
}
