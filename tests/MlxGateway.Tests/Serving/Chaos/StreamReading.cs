using System.Text;
using System.Text.Json;

namespace MlxGateway.Tests.Serving.Chaos;

/// <summary>The whole events of a stream, read as a strict client reads them.</summary>
internal sealed class StreamReading
{
    private readonly StringBuilder _text = new();

    /// <summary>The pieces, joined.</summary>
    public string Text => _text.ToString();

    /// <summary>The finish reason, if one came.</summary>
    public string? Finish { get; private set; }

    /// <summary>Whether <c>[DONE]</c> came.</summary>
    public bool Done { get; private set; }

    /// <summary>The error of the error frame, if one came.</summary>
    public JsonElement? Error { get; private set; }

    /// <summary>What is behind the last whole event.</summary>
    public string Rest { get; private set; } = "";

    /// <summary>What no stream may hold, if it is there.</summary>
    public string? Flaw { get; private set; }

    /// <summary>Reads.</summary>
    public static StreamReading Of(string body)
    {
        var reading = new StreamReading();
        var events = body.Split("\n\n");
        reading.Rest = events[^1];
        foreach (var lines in events.SkipLast(1))
        {
            foreach (var line in lines.Split('\n').Where(l => l.Length > 0 && l[0] != ':'))
            {
                reading.Take(line);
            }
        }

        return reading;
    }

    private void Take(string line)
    {
        if (!line.StartsWith("data: ", StringComparison.Ordinal) || Done || Error is not null)
        {
            Flaw ??= Done || Error is not null ? $"'{line}' behind the end" : $"a line '{line}'";
            return;
        }

        var data = line["data: ".Length..];
        if (data == "[DONE]")
        {
            Done = true;
            return;
        }

        try
        {
            using var json = JsonDocument.Parse(data);
            if (json.RootElement.TryGetProperty("error", out var error))
            {
                Error = error.Clone();
                return;
            }

            foreach (var choice in json.RootElement.GetProperty("choices").EnumerateArray())
            {
                var piece = choice.TryGetProperty("delta", out var delta) ? delta.TryGetProperty("content", out var content) ? content : default : choice.GetProperty("text");
                _text.Append(piece.ValueKind is JsonValueKind.String ? piece.GetString() : "");
                Finish = choice.TryGetProperty("finish_reason", out var finish) && finish.ValueKind is JsonValueKind.String ? finish.GetString() : Finish;
            }
        }
        catch (Exception broken) when (broken is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            Flaw ??= $"an event '{data}': {broken.Message}";
        }
    }
}
