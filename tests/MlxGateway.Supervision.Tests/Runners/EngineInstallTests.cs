using System.Text;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Runners.Engines;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

/// <summary>What is proposed where an engine is missing: every engine on every kind of machine, with whatever there is to install with.</summary>
public sealed class EngineInstallTests
{
    private static readonly (string Name, bool IsMac, bool IsArm, Accelerator Accelerator)[] Machines =
    [
        ("macOS, Apple silicon", true, true, Accelerator.None),
        ("macOS, Intel", true, false, Accelerator.None),
        ("Linux, CUDA 13", false, false, Accelerator.Cuda13),
        ("Linux, CUDA 12", false, false, Accelerator.Cuda12),
        ("Linux, ROCm", false, false, Accelerator.Rocm),
        ("Linux, Vulkan", false, false, Accelerator.Vulkan),
        ("Linux, processor alone", false, false, Accelerator.None),
        ("Linux on ARM, CUDA 13", false, true, Accelerator.Cuda13),
        ("Linux on ARM, processor alone", false, true, Accelerator.None),
    ];

    private static readonly string[][] Tools = [["uv", "pipx", "brew", "nix", "conda", "port"], ["pipx"], ["brew"], ["conda", "nix"], ["port"], []];

    [Fact]
    public void Of_EveryEngineOnEveryMachine_IsTheTable()
    {
        var table = new StringBuilder();
        foreach (var engine in new[] { KindNames.MlxLm, KindNames.MlxVlm, KindNames.MlcLlm, KindNames.LlamaServer })
        {
            table.Append(engine).Append('\n');
            foreach (var machine in Machines)
            {
                table.Append("  ").Append(machine.Name).Append('\n');
                foreach (var tools in Tools)
                {
                    var how = EngineInstall.Of(engine, new InstallMachine(machine.IsMac, machine.IsArm, machine.Accelerator, tools.ToHashSet()));
                    table.Append("    ").Append((tools.Length switch { 0 => "nothing", > 2 => "everything", _ => string.Join(' ', tools) }).PadRight(11)).Append(how.NotHere is { } why ? $"({why}) " : "").Append(how.Command).Append('\n');
                    Assert.Equal(how.NotHere is not null || engine == KindNames.LlamaServer, how.Pip is null);
                }
            }
        }

        Golden.Equal("install", table.ToString());
    }

    [Theory]
    [InlineData("NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27 07:16:03 UTC 2025\nGCC version: gcc 12", false, true, true, "Cuda13")]
    [InlineData("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  575.57.08  Release Build  (dvs-builder@U22)", false, false, true, "Cuda12")]
    [InlineData("NVRM version: NVIDIA UNIX x86_64 Kernel Module  470.256.02  Thu May  2 14:37:44 UTC 2024", false, false, true, "Vulkan")]
    [InlineData("rubbish 580.1", false, true, true, "Rocm")]
    [InlineData(null, true, false, false, "Cuda12")]
    [InlineData(null, false, true, true, "Rocm")]
    [InlineData(null, false, false, true, "Vulkan")]
    [InlineData("", false, false, false, "None")]
    public void AcceleratorOf_WhatDriversLeave_IsSeen(string? nvidia, bool isWindowsBelow, bool hasKfd, bool hasRenderer, string expected) =>
        Assert.Equal(expected, InstallMachine.AcceleratorOf(nvidia, isWindowsBelow, hasKfd, hasRenderer).ToString());

    [Fact]
    public void Advice_OfAnEngineThatCannotBeHadHere_SaysWhyAndWhatCan()
    {
        var report = new EngineReport("mlx_lm", null, null, [], "brew install llama.cpp") { NotHere = "MLX does not exist for Macs with Intel processors; llama.cpp, for GGUF models, does" };

        Assert.Equal("MLX does not exist for Macs with Intel processors; llama.cpp, for GGUF models, does: brew install llama.cpp", report.Advice);
        Assert.Equal("install it with: x", (report with { NotHere = null, Install = "x" }).Advice);
    }
}
