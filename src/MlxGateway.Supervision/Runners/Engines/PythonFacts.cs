using System.Text.Json;
using System.Text.Json.Serialization;
using MlxGateway.Supervision.Models;

namespace MlxGateway.Supervision.Runners.Engines;

/// <summary>What one Python said of itself, or why it said nothing.</summary>
internal sealed record PythonFacts
{
    private static readonly JsonSerializerOptions Format = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Why nothing else is known of it; null: it answered.</summary>
    [JsonIgnore]
    public string? Failure { get; init; }

    /// <summary>The version of Python.</summary>
    public string? Python { get; init; }

    /// <summary>The modules that were asked for; null: not there.</summary>
    public IReadOnlyDictionary<string, PythonModule?> Modules { get; init; } = new Dictionary<string, PythonModule?>();

    /// <summary>What MLX says of the device that it would compute on.</summary>
    public MlxDevice Device { get; init; } = new(null, null, null);

    /// <summary>The files and folders whose change would change the answer.</summary>
    public IReadOnlyList<string> Stamps { get; init; } = [];

    /// <summary>Reads the one line that counts.</summary>
    /// <returns>Null: there is none.</returns>
    public static PythonFacts? Read(IEnumerable<string> lines)
    {
        const string Mark = "mlxgateway ";
        if (lines.LastOrDefault(l => l.StartsWith(Mark, StringComparison.Ordinal)) is not { } line)
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize<PythonFacts>(line.AsSpan(Mark.Length), Format);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Why it cannot serve with that module; null: it can.</summary>
    public string? WhyNot(string module) =>
        Failure ?? (Modules.GetValueOrDefault(module) is not { } found ? Lacks(module) : found.Failure is { } failure ? $"import of {module} failed: {failure}" : null);

    /// <summary>What is said of a Python that is as it should be and has not got the module.</summary>
    internal static string Lacks(string module) => $"has no {module}";

    /// <summary>The version of the module, of MLX and of its device, for a person.</summary>
    public string Describe(string module)
    {
        var mlx = module != KindNames.MlcLlm && Modules.GetValueOrDefault("mlx")?.Version is { } version ? $", mlx {version}" : ""; // MLC has nothing to do with it
        var device = mlx.Length > 0 && Device.Name is { } name ? $" on {name}" : "";
        var memory = device.Length > 0 && Device.RecommendedWorkingSet is > 0 and { } bytes ? $" with {new ByteSize(bytes)} for models" : "";
        return $"{Modules.GetValueOrDefault(module)?.Version}{mlx}{device}{memory}";
    }
}

/// <summary>A module that a Python has.</summary>
/// <param name="Version">What it says of its version.</param>
/// <param name="Failure">Why it cannot be imported; null: it can.</param>
/// <param name="Options">The options of its server's command line; null: they were not looked for, or not found.</param>
internal sealed record PythonModule(string? Version, string? Failure, IReadOnlyList<string>? Options = null);

/// <summary>A device as MLX describes it.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="RecommendedWorkingSet">How many bytes it may have for computing before the system slows it down; null where there is no such limit.</param>
/// <param name="Memory">How many bytes of memory it has; null: not said.</param>
internal sealed record MlxDevice(string? Name, long? RecommendedWorkingSet, long? Memory);
