using System.ComponentModel.DataAnnotations;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Residency;

/// <summary>What becomes of the runners when the gateway stops.</summary>
public enum OnExit
{
    /// <summary>They are stopped.</summary>
    Stop,

    /// <summary>Those that are ready live on, without a limit of time, and are adopted by the next gateway, or ended by it if it would not launch them so. A gateway that is killed leaves nobody.</summary>
    Keep,
}

/// <summary><c>MlxGateway:Residency</c>: who may be in memory, and for how long.</summary>
public sealed class ResidencyOptions
{
    /// <summary>How many models may be in memory at once, pinned ones not counted; 0: as many as fit.</summary>
    [Range(0, 1000)]
    public int MaxResident { get; set; } = 1;

    /// <summary>How long a ready model may go unused before it is unloaded; zero: for ever.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "365.00:00:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>How long a swap waits for busy models before they take no new requests; <c>auto</c> (null): the newcomer's measured load time, 2 s at least and 60 s at most.</summary>
    [AutoIsNull]
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan? SwapPatience { get; set; }

    /// <summary>How long a draining model may finish its requests before they are ended.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan DrainTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a runner may take to become ready.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan LaunchTimeout { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How long a runner that serves somebody may send nothing and compute nothing before it is asked whether it lives, and ended if it does not answer; zero: for ever.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan HangTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How many requests may wait at once before newcomers are refused; a person's has the place of a background one, if there is one.</summary>
    [Range(1, 100_000)]
    public int QueueLimit { get; set; } = 512;

    /// <summary>How long a background request waits for its turn before it is refused.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan BackgroundPatience { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How long a model stays safe from background requests after it has served a person.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan BackgroundRespite { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>The id or alias of the model that serves background requests while their own is not in memory or serves people; null: none does.</summary>
    public string? BackgroundModel { get; set; }

    /// <summary>How long a model that failed is left alone; doubles with every failure in a row, up to 5 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan Cooldown { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>What becomes of the runners when the gateway stops.</summary>
    public OnExit OnExit { get; set; } = OnExit.Stop;
}
