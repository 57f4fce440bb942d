using System.Globalization;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>What <c>mlc_llm serve</c> is told. Pure.</summary>
internal static class MlcLlmArguments
{
    /// <summary>The arguments behind <c>serve</c>, without the user's own.</summary>
    /// <param name="folder">The model.</param>
    /// <param name="model">Its settings.</param>
    /// <param name="shape">How much memory it may take.</param>
    /// <param name="port">Where it is to listen.</param>
    public static IEnumerable<string> Of(string folder, ModelSpec model, LaunchShape shape, int port)
    {
        var mlc = model.Mlc ?? MlcSettings.None;
        return
        [
            folder,
            "--device", mlc.Device ?? "auto",
            .. mlc.ModelLib is { } library ? ["--model-lib", library] : None,
            "--mode", NameOf(mlc.Mode),
            .. mlc.EnableDebug ? ["--enable-debug"] : None,
            .. mlc.AdditionalModels.Count > 0 ? ["--additional-models", .. mlc.AdditionalModels] : None,
            .. mlc.SpeculativeMode != MlcSpeculation.Disable ? ["--speculative-mode", NameOf(mlc.SpeculativeMode)] : None,
            .. mlc.PrefixCacheMode != MlcPrefixCache.Radix ? ["--prefix-cache-mode", NameOf(mlc.PrefixCacheMode)] : None,
            .. mlc.PrefillMode != MlcPrefill.Hybrid ? ["--prefill-mode", NameOf(mlc.PrefillMode)] : None,
            .. OverridesOf(mlc with { MaxTotalSequenceLength = mlc.MaxTotalSequenceLength ?? MlcCapacity.Told(model, shape) }) is { Length: > 0 } overrides ? ["--overrides", overrides] : None,
            .. mlc.EnableTracing ? ["--enable-tracing"] : None,
            "--host", "127.0.0.1",
            "--port", port.ToString(CultureInfo.InvariantCulture),

            // What no page can be the origin of, as JSON. Its default is every page; "null" would be what a sandboxed frame says.
            "--allow-origins", """["none"]""",
        ];
    }

    private static string[] None => [];

    private static string OverridesOf(MlcSettings mlc) => string.Join(';', mlc.Overrides().Select(static one => $"{one.Name}={one.Value}"));

    private static string NameOf(MlcSpeculation mode) => mode == MlcSpeculation.SmallDraft ? "small_draft" : NameOf<MlcSpeculation>(mode);

    private static string NameOf<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();
}
