using Microsoft.Extensions.Configuration;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Models;

/// <summary>What must hold of a model's section <c>Mlc</c>: the engine's own rules, which it would otherwise tell of only after it has loaded, and some of them by dying.</summary>
internal static class MlcRules
{
    /// <summary>Reports every breach that shows in what is written.</summary>
    /// <param name="at">The key of the model.</param>
    /// <param name="kind">The kind that serves it.</param>
    public static void Check(string at, ModelOptions model, string kind, SettingsErrors errors)
    {
        var section = ConfigurationPath.Combine(at, nameof(ModelOptions.Mlc));
        if (MlcSettings.Of(model.Mlc, static path => path, static further => (further, ByteSize.Zero)) is not { } mlc)
        {
            return;
        }

        if (kind != KindNames.MlcLlm)
        {
            errors.Add(section, $"belongs to a runner of the kind \"{KindNames.MlcLlm}\", and this model's is \"{kind}\"; leave it out, or write \"Runner\": \"{KindNames.MlcLlm}\".");
            return;
        }

        if (mlc.SpeculativeMode != MlcSpeculation.Disable && mlc.AdditionalModels.Count == 0)
        {
            errors.Add(Key(nameof(MlcOptions.AdditionalModels)), $"is empty, and \"{nameof(MlcOptions.SpeculativeMode)}\" needs a model that guesses ahead; name its folder or repository here.");
        }

        foreach (var further in mlc.AdditionalModels.Where(static further => further.Split(',') is not ([{ Length: > 0 }] or [{ Length: > 0 }, { Length: > 0 }]) || further.StartsWith('-')))
        {
            errors.Add(Key(nameof(MlcOptions.AdditionalModels)), $"\"{further}\" is no model; write a folder or a repository, and behind a comma the file of the compiled model if there is one.");
        }

        if (mlc.Device is { } device && (device.Length == 0 || device.StartsWith('-') || device.Any(char.IsWhiteSpace)))
        {
            errors.Add(Key(nameof(MlcOptions.Device)), $"\"{device}\" is no device; write \"metal\", \"cuda\", \"rocm\", \"vulkan\", \"opencl\" or \"cpu\", with a number behind it for another than the first (\"cuda:1\"), or \"auto\".");
        }

        // The last one counts, whole: what is said here would be lost without a word.
        if (mlc.Overrides().Any() && new EngineArguments(model.Args).Has("--overrides"))
        {
            errors.Add(ConfigurationPath.Combine(at, nameof(ModelOptions.Args)), $"\"--overrides\" would take the place of what \"Mlc\" says ({string.Join(", ", mlc.Overrides().Select(one => one.Name))}); write all of it in one of the two.");
        }

        string Key(string name) => ConfigurationPath.Combine(section, name);
    }

    /// <summary>Why the engine would refuse this model as it is now on the disk, with the key that says so; null: no reason is known.</summary>
    public static string? Breach(ModelSpec model)
    {
        var mlc = model.Mlc ?? MlcSettings.None;
        var key = $"MlxGateway:Models:{model.Id}:{nameof(ModelOptions.Mlc)}:";
        if (mlc.ModelLib is { } library && !IsLibrary(library))
        {
            return $"{key}{nameof(MlcOptions.ModelLib)}: the file {library} does not exist.";
        }

        foreach (var further in mlc.AdditionalModels)
        {
            if (further.Split(',', 2) is [_, var compiled] && !IsLibrary(compiled))
            {
                return $"{key}{nameof(MlcOptions.AdditionalModels)}: the file {compiled} does not exist.";
            }
        }

        return mlc.MaxHistorySize is > 0 and var history && model.Facts?.Architecture is { } design && !IsRecurrent(design)
            ? $"{key}{nameof(MlcOptions.MaxHistorySize)}: {history} is for recurrent models, and the engine refuses it for one of the design \"{design}\"; leave it out."
            : null;
    }

    /// <summary>Whether the engine takes a design for one that keeps a state in place of keys and values. It goes by the name alone.</summary>
    public static bool IsRecurrent(string design) => design.Contains("rwkv", StringComparison.Ordinal);

    // The engine has one without files, for its own tests.
    private static bool IsLibrary(string path) => path.StartsWith("mock://", StringComparison.Ordinal) || Disk.Length(path) is not null;
}
