using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners.Engines;

/// <summary>How something is installed on one machine.</summary>
/// <param name="Command">The one command that does it, for a shell; where <paramref name="NotHere"/> says that it cannot be done, the command that installs what can take its place.</param>
/// <param name="NotHere">Why it cannot be had on this machine, as a phrase; null: it can.</param>
/// <param name="Pip">What <c>pip install</c> is told so that it comes into one certain Python; null: it is no Python package, or cannot be had.</param>
internal sealed record Installation(string Command, string? NotHere = null, string? Pip = null);

/// <summary>Says for each engine and each kind of machine how it is installed. The only place that knows. Pure.</summary>
/// <remarks>
/// MLX has builds for Apple silicon, for CUDA and for the processor of a Linux machine; its packages bring the first along and must be asked for the others. MLC's builds are nightly ones of an
/// index of their own, by the accelerator; that for the processor has Metal, or Vulkan, too. Of the same names there are empty packages on the common index, which an installer takes where
/// no build fits: so nothing is proposed for machines without builds.
/// </remarks>
internal static class EngineInstall
{
    private const string MlcIndex = "https://mlc.ai/wheels";

    /// <summary>How it is installed.</summary>
    /// <param name="name">The kind of runner that needs the engine, or a Python package.</param>
    /// <param name="machine">The machine.</param>
    public static Installation Of(string name, InstallMachine machine) => name switch
    {
        KindNames.LlamaServer => new(LlamaCpp(machine)),
        KindNames.MlxLm or KindNames.MlxVlm when machine is { IsMac: true, IsArm: false } => new(LlamaCpp(machine), "MLX does not exist for Macs with Intel processors; llama.cpp, for GGUF models, does"),
        KindNames.MlcLlm when machine is { IsMac: true, IsArm: false } => new(LlamaCpp(machine), "MLC has no packages for Macs with Intel processors; llama.cpp, for GGUF models, has"),
        KindNames.MlxLm => Python(machine.IsMac ? "mlx-lm" : $"mlx-lm[{MlxExtra(machine)}]", null, null, machine),
        KindNames.MlxVlm => Python("mlx-vlm", machine.IsMac ? null : $"mlx[{MlxExtra(machine)}]", null, machine),
        KindNames.MlcLlm => Python($"mlc-llm-nightly-{MlcBuild(machine)}", $"mlc-ai-nightly-{MlcBuild(machine)}", MlcIndex, machine),
        _ => Python(name, null, null, machine),
    };

    // MLX computes on nothing of AMD's, nor by Vulkan.
    private static string MlxExtra(InstallMachine machine) => machine.Accelerator switch { Accelerator.Cuda13 => "cuda13", Accelerator.Cuda12 => "cuda12", _ => "cpu" };

    private static string MlcBuild(InstallMachine machine) => machine switch
    {
        { IsArm: true } => "cpu",
        { Accelerator: Accelerator.Cuda13 } => "cu130",
        { Accelerator: Accelerator.Cuda12 } => "cu128",
        { Accelerator: Accelerator.Rocm } => "rocm62",
        _ => "cpu",
    };

    // What installs into an environment of its own comes first: the Pythons of Homebrew and of Debian refuse to be installed into.
    private static Installation Python(string package, string? beside, string? index, InstallMachine machine)
    {
        var pip = $"{(index is null ? "" : $"--pre -f {index} ")}{Quoted(package)}{(beside is null ? "" : $" {Quoted(beside)}")}";
        var uv = $"uv tool install {(index is null ? "" : $"--prerelease allow --find-links {index} ")}{Quoted(package)}{(beside is null ? "" : $" --with {Quoted(beside)}")}";
        var arguments = index is null ? "" : $"--pip-args '--pre -f {index}' ";
        return new Installation(
            machine.Installers.Contains("uv") ? uv
            : machine.Installers.Contains("pipx") ? $"pipx install {arguments}{Quoted(package)}{(beside is null ? "" : $" && pipx inject {arguments}{package} {Quoted(beside)}")}"
            : machine.Installers.Contains("brew") ? $"brew install uv && {uv}"
            : $"python3 -m pip install {pip}",
            Pip: pip);
    }

    // By what the machine installs with. Where there is a graphics card, what has builds for it: conda's for CUDA and Vulkan. Otherwise Homebrew, which runs on both systems, is what llama.cpp names first.
    private static string LlamaCpp(InstallMachine machine)
    {
        var (brew, conda) = ("brew install llama.cpp", "conda install -c conda-forge llama-cpp");
        return machine is { IsMac: false, Accelerator: not Accelerator.None } && machine.Installers.Contains("conda") ? conda
            : machine.Installers.Contains("brew") ? brew
            : machine.Installers.Contains("nix") ? "nix profile install nixpkgs#llama-cpp"
            : machine.Installers.Contains("conda") ? conda
            : machine.IsMac && machine.Installers.Contains("port") ? "sudo port install llama.cpp"
            : $"{brew} (Homebrew itself: https://brew.sh)";
    }

    // A shell would take the brackets for a pattern.
    private static string Quoted(string package) => package.Contains('[', StringComparison.Ordinal) ? $"'{package}'" : package;
}
