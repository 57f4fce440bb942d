using System.Globalization;

namespace MlxGateway.Supervision.Models;

/// <summary>How a model is launched, as far as it decides how much memory it takes. What is null or zero is left to the engine.</summary>
/// <remarks>Chosen before the launch so that the model fits; a kind of runner turns it into arguments. What a user wrote into <c>Args</c> comes first: it is in here too, and is not passed twice.</remarks>
public sealed record LaunchShape
{
    /// <summary>Everything is left to the engine.</summary>
    public static LaunchShape Free { get; } = new();

    /// <summary>The most tokens of one conversation; null: what the engine takes.</summary>
    public int? Context { get; init; }

    /// <summary>How many conversations of that length memory is set aside for; at least 1.</summary>
    public int Conversations { get; init; } = 1;

    /// <summary>How keys and values are written.</summary>
    public CacheFormat CacheFormat { get; init; }

    /// <summary>The memory in which the engine keeps what earlier requests have read; null: what the engine does by itself.</summary>
    public ByteSize? PromptCache { get; init; }

    /// <summary>What was lowered so that the model fits, as a sentence for a person: <c>The context is 16384 tokens instead of 131072, because …</c>. Null: nothing was.</summary>
    public string? Lowered { get; init; }

    /// <summary>The shape in a form that is the same whenever it takes the same memory.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"context {Context?.ToString(CultureInfo.InvariantCulture) ?? "free"} x {Conversations}, {CacheFormat}, prompts {PromptCache?.Bytes.ToString(CultureInfo.InvariantCulture) ?? "free"}");
}

/// <summary>How the keys and values of a cache are written.</summary>
public enum CacheFormat
{
    /// <summary>Two bytes a value.</summary>
    F16,

    /// <summary>Blocks of 32 values in 34 bytes (llama.cpp's <c>q8_0</c>).</summary>
    Q8,

    /// <summary>Blocks of 32 values in 18 bytes (llama.cpp's <c>q4_0</c>).</summary>
    Q4,
}
