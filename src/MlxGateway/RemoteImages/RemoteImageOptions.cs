using System.ComponentModel.DataAnnotations;
using MlxGateway.Supervision.Models;

namespace MlxGateway.RemoteImages;

/// <summary><c>MlxGateway:RemoteImages</c>: images that a request names by their address.</summary>
public sealed class RemoteImageOptions
{
    /// <summary>Whether the gateway fetches them; otherwise such a request is refused. No engine ever does.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Whether they may come from private, loopback and link-local addresses. Whoever may send requests can then make the gateway read from machines that only it can reach.</summary>
    public bool AllowPrivateAddresses { get; set; }

    /// <summary>The largest image.</summary>
    public ByteSize MaxBytes { get; set; } = ByteSize.FromMegabytes(20);

    /// <summary>How many different images one request may name.</summary>
    [Range(1, 1000)]
    public int MaxCount { get; set; } = 10;

    /// <summary>How long all images of one request may take.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);
}
