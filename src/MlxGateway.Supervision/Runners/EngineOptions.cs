using Microsoft.Extensions.Configuration;
using MlxGateway.Supervision.Settings;

namespace MlxGateway.Supervision.Runners;

/// <summary><c>MlxGateway:Engines</c>: where the engines are.</summary>
public sealed class EngineOptions
{
    /// <summary>The Python that has <c>mlx_lm</c>.</summary>
    [ConfigurationKeyName("mlx_lm")]
    public MlxLmEngineOptions MlxLm { get; set; } = new();

    /// <summary>The Python that has <c>mlx_vlm</c>.</summary>
    [ConfigurationKeyName("mlx_vlm")]
    public PythonEngineOptions MlxVlm { get; set; } = new();

    /// <summary>The Python that has <c>mlc_llm</c>.</summary>
    [ConfigurationKeyName("mlc_llm")]
    public PythonEngineOptions MlcLlm { get; set; } = new();

    /// <summary>The executable of llama.cpp's server.</summary>
    [ConfigurationKeyName("llama_server")]
    public ExecutableEngineOptions LlamaServer { get; set; } = new();
}

/// <summary>An engine that is a Python module.</summary>
public class PythonEngineOptions
{
    /// <summary>The path of the Python interpreter; <c>auto</c> (null): the first one found that can import the module.</summary>
    [AutoIsNull]
    public string? Python { get; set; }
}

/// <summary>The engine <c>mlx_lm</c>.</summary>
public sealed class MlxLmEngineOptions : PythonEngineOptions
{
    /// <summary>Whether, after a launch, one more Python is kept with its imports done, some 70 MB, so that the next swap costs the weights only.</summary>
    public bool Spare { get; set; } = true;
}

/// <summary>An engine that is a program.</summary>
public sealed class ExecutableEngineOptions
{
    /// <summary>The path of the program; <c>auto</c> (null): the first one found where people have it.</summary>
    [AutoIsNull]
    public string? Executable { get; set; }
}
