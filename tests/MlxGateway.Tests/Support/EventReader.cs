using System.Text.Json;
using MlxGateway.Tests.DemoRunner;

namespace MlxGateway.Tests.Support;

/// <summary>Reads a stream of the gateway that stays open. Disposing leaves it.</summary>
public sealed class EventReader : IDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _reader;

    private EventReader(HttpResponseMessage response, StreamReader reader) => (_response, _reader) = (response, reader);

    /// <summary>The content type without parameters.</summary>
    public string? Type => _response.Content.Headers.ContentType?.MediaType;

    /// <summary>Opens a stream; returns when its headers are there.</summary>
    public static async Task<EventReader> OpenAsync(Gateway gateway, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Demo.Patience());
        return new EventReader(response, new StreamReader(await response.Content.ReadAsStreamAsync(Demo.Patience())));
    }

    /// <summary>The next line; null: the stream is over.</summary>
    public async Task<string?> LineAsync() => await _reader.ReadLineAsync(Demo.Patience());

    /// <summary>Reads events until one is as described, and returns that.</summary>
    public async Task<JsonElement> UntilAsync(Func<JsonElement, bool> looks)
    {
        while (await LineAsync() is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal) && JsonDocument.Parse(line["data: ".Length..]).RootElement is var happened && looks(happened))
            {
                return happened;
            }
        }

        throw new EndOfStreamException("The stream ended before that came.");
    }

    /// <summary>What is told of a model until it has come to a status.</summary>
    public async Task<IReadOnlyList<string>> StatusesAsync(string model, string until)
    {
        var seen = new List<string>();
        await UntilAsync(happened =>
        {
            if (happened.Text("model") == model && happened.Text("event") == "model_status" && happened.GetProperty("data").Text("status") is { } status && (seen.Count == 0 || seen[^1] != status))
            {
                seen.Add(status);
            }

            return seen.Count > 0 && seen[^1] == until;
        });
        return seen;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.Dispose();
        _response.Dispose();
    }
}

/// <summary>Reads members of JSON.</summary>
public static class JsonReading
{
    /// <summary>The text of a member.</summary>
    public static string? Text(this JsonElement json, string name) => json.GetProperty(name).GetString();
}
