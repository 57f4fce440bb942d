using System.ComponentModel.DataAnnotations;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Inference;

/// <summary><c>MlxGateway:Limits</c>: what a request may ask of the gateway.</summary>
public sealed class LimitOptions
{
    /// <summary>The largest request body.</summary>
    public ByteSize RequestBody { get; set; } = ByteSize.FromMegabytes(64);

    /// <summary>The largest form with files.</summary>
    public ByteSize Upload { get; set; } = ByteSize.FromGigabytes(1);

    /// <summary>How much of a form is kept in memory; what is beyond goes to a file that is gone with the request.</summary>
    public ByteSize SpillAfter { get; set; } = ByteSize.FromMegabytes(1);

    /// <summary>How long a request that is not streamed waits for its model before it is told to come back.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan NonStreamWait { get; set; } = TimeSpan.FromSeconds(90);
}

/// <summary><c>MlxGateway:Streams</c>: how streaming clients are kept waiting.</summary>
public sealed class StreamOptions
{
    /// <summary>How long the response of a streaming request is held back, so that an early failure is a real HTTP status.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan HoldStatus { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often a waiting streaming client hears from the gateway.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:10:00")]
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a client may take nothing of what it is sent before it counts as gone; zero: for ever. Some programs leave a stream open that they have stopped reading.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan WriteTimeout { get; set; } = TimeSpan.FromMinutes(5);
}
