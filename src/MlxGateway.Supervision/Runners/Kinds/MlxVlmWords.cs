using System.Text.Json;
using System.Text.RegularExpressions;
using MlxGateway.Supervision.Runners.Engines;

namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>What <c>mlx_vlm.server</c> says of a model that it could not load, and what a person can do about it. It lives on without: "Continuing without it". Pure.</summary>
internal static partial class MlxVlmWords
{
    private const int Longest = 600;

    /// <summary>Why a model is not loaded, by the answer of <c>/metrics</c>; null: it is, or the answer does not say.</summary>
    /// <param name="group">What it calls models of this use.</param>
    public static string? FaultOfMetrics(int status, string text, string group)
    {
        if (status != 200 || Member(Parse(text), "server") is not { } server)
        {
            return null; // an older version; the last question will tell
        }

        if (Member(server, "preload_failures") is { ValueKind: JsonValueKind.Object } failures)
        {
            foreach (var failure in failures.EnumerateObject())
            {
                return Text(failure.Value, "error") is { Length: > 0 } error ? Line(error) : "it could not load the model, and does not say why";
            }
        }

        return Member(server, "loaded_models") is { ValueKind: JsonValueKind.Object } loaded && Member(loaded, group) is null ? "it did not load the model, and does not say why" : null;
    }

    /// <summary>Why a question was not answered; null: it was.</summary>
    public static string? FaultOfAnswer(int status, string text) =>
        status is >= 200 and < 300 ? null : Parse(text) is { } said && Text(said, "detail") is { Length: > 0 } detail ? Line(detail) : $"it answered {status} to a question: {Line(text)}";

    /// <summary>What can be done about it, as a sentence; null: nothing is known.</summary>
    /// <param name="said">What it said.</param>
    /// <param name="python">Its Python.</param>
    public static string? Advice(string said, string python) => MissingModule().Match(said) is { Success: true } missing && missing.Groups["module"].Value is var module and not ("mlx_vlm" or "mlx")
        ? $"Its Python lacks {module}; install it with: {PythonPackages.Add(python, "mlx-vlm", module.Replace('_', '-'))}"
        : null;

    private static JsonElement? Parse(string text)
    {
        try
        {
            using var json = JsonDocument.Parse(text);
            return json.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static JsonElement? Member(JsonElement? of, string name) => of is { ValueKind: JsonValueKind.Object } map && map.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private static string? Text(JsonElement of, string name) => Member(of, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    // In one line, without the full stop that the sentence around it has, and without a command that may be for another Python.
    private static string Line(string text)
    {
        var line = Blanks().Replace(Command().Replace(text, ""), " ").Trim().TrimEnd('.');
        return line.Length <= Longest ? line : line[..Longest] + "…";
    }

    [GeneratedRegex(@"No module named '(?<module>[A-Za-z0-9_]+)")]
    private static partial Regex MissingModule();

    [GeneratedRegex(@"Please install it using: pip install \S+")]
    private static partial Regex Command();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
