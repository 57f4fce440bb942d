using System.Text.Json;

namespace MlxGateway.Supervision.Downloads;

/// <summary>What the process that fetches a model tells of it, one line at a time.</summary>
internal abstract record DownloadNews
{
    private const string Mark = "mlxgateway ";

    /// <summary>Reads a line; null: it is none of these, but what some library wrote.</summary>
    public static DownloadNews? Read(string line)
    {
        if (!line.StartsWith(Mark, StringComparison.Ordinal))
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(line.AsMemory(Mark.Length));
            var all = json.RootElement;
            return all.GetProperty("event").GetString() switch
            {
                "plan" => new Planned(all.GetProperty("total").GetInt64(), all.GetProperty("done").GetInt64(), all.GetProperty("choice").GetString()),
                "progress" => new Progressed(all.GetProperty("done").GetInt64(), all.GetProperty("file").GetString()!, TimeSpan.FromSeconds(all.GetProperty("at").GetDouble())),
                "verifying" => new Verifying(all.GetProperty("file").GetString()!),
                "retry" => new Retrying(all.GetProperty("file").GetString(), all.GetProperty("reason").GetString()!),
                "done" => new Completed(all.GetProperty("path").GetString()!),
                "failed" => new Failed(all.GetProperty("code").GetString()!, all.GetProperty("message").GetString()!),
                _ => null,
            };
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or OverflowException)
        {
            return null; // a line that was cut
        }
    }

    /// <summary>It is known what is to come.</summary>
    /// <param name="Total">The bytes of all files.</param>
    /// <param name="Done">How many of them are here already.</param>
    /// <param name="Choice">What was chosen; null: there was no choice.</param>
    public sealed record Planned(long Total, long Done, string? Choice) : DownloadNews;

    /// <summary>Bytes came.</summary>
    /// <param name="Done">How many are here in all.</param>
    /// <param name="File">The file that comes.</param>
    /// <param name="At">When, by a clock of that process.</param>
    public sealed record Progressed(long Done, string File, TimeSpan At) : DownloadNews;

    /// <summary>A file is there and is being compared with its hash.</summary>
    /// <param name="File">The file.</param>
    public sealed record Verifying(string File) : DownloadNews;

    /// <summary>Something broke that may pass.</summary>
    /// <param name="File">The file that was coming; null: it was something else.</param>
    /// <param name="Reason">What broke.</param>
    public sealed record Retrying(string? File, string Reason) : DownloadNews;

    /// <summary>All is there.</summary>
    /// <param name="Path">What a runner would be given: a folder, or the first GGUF file.</param>
    public sealed record Completed(string Path) : DownloadNews;

    /// <summary>It was given up.</summary>
    /// <param name="Code">What kind of failure it was.</param>
    /// <param name="Message">Why, and what to do.</param>
    public sealed record Failed(string Code, string Message) : DownloadNews;
}
