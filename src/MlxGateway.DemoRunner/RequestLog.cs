using System.Text.Json;

namespace MlxGateway.DemoRunner;

/// <summary>What a test may ask about the requests that came: how many, how many are under way, how many the client left, and the last one whole. Requests under <c>/demo</c> do not count.</summary>
internal sealed class RequestLog
{
    private readonly Lock _lock = new();
    private LastPost? _last;
    private int _requests;
    private int _running;
    private int _aborted;

    /// <summary>The processes that were started beside this one.</summary>
    public List<int> Relatives { get; } = [];

    /// <summary>A request came.</summary>
    public void Began()
    {
        lock (_lock)
        {
            _requests++;
            _running++;
        }
    }

    /// <summary>A request is over.</summary>
    /// <param name="aborted">Whether the client left before it was answered.</param>
    public void Ended(bool aborted)
    {
        lock (_lock)
        {
            _running--;
            _aborted += aborted ? 1 : 0;
        }
    }

    /// <summary>The body of a POST is read.</summary>
    public void Received(HttpRequest request, byte[] body)
    {
        var last = new LastPost(request.Method, request.Path + request.QueryString, [.. request.Headers.Select(h => (h.Key, h.Value.ToString()))], body);
        lock (_lock)
        {
            _last = last;
        }
    }

    /// <summary><c>{"requests","running","aborted","pid","relatives"}</c>.</summary>
    public byte[] CountsAsJson() => Json.Write(json =>
    {
        lock (_lock)
        {
            json.WriteNumber("requests", _requests);
            json.WriteNumber("running", _running);
            json.WriteNumber("aborted", _aborted);
        }

        json.WriteNumber("pid", Environment.ProcessId);
        json.WriteStartArray("relatives");
        Relatives.ForEach(json.WriteNumberValue);
        json.WriteEndArray();
    });

    /// <summary><c>{"method","path","headers","bytes","body"}</c>; the body exactly as it came if it is JSON, otherwise as text. Null: there was none.</summary>
    public byte[]? LastAsJson()
    {
        LastPost? last;
        lock (_lock)
        {
            last = _last;
        }

        return last is null ? null : Json.Write(json =>
        {
            json.WriteString("method", last.Method);
            json.WriteString("path", last.Path);
            json.WriteStartObject("headers");
            foreach (var (name, value) in last.Headers)
            {
                json.WriteString(name, value);
            }

            json.WriteEndObject();
            json.WriteNumber("bytes", last.Body.Length);
            json.WritePropertyName("body");
            if (Json.TryParse(last.Body, out var document))
            {
                document.Dispose();
                json.WriteRawValue(last.Body, skipInputValidation: true);
            }
            else
            {
                json.WriteStringValue(System.Text.Encoding.UTF8.GetString(last.Body));
            }
        });
    }

    private sealed record LastPost(string Method, string Path, (string Name, string Value)[] Headers, byte[] Body);
}
