using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace MlxGateway.Mcp.Stdio;

/// <summary>Passes messages of an agent on to the gateway's <c>/mcp</c> as they are, and its answers back, each in a line of its own. It understands no more of them than it must.</summary>
/// <param name="output">Where answers go, and nothing else.</param>
/// <param name="gateway">Where the gateway is, or would be.</param>
/// <param name="key">The key that it wants; null: none.</param>
/// <param name="startGateway">Starts one where none answers, and says where it listens.</param>
/// <param name="log">What a person may want to know.</param>
/// <param name="time">The clock.</param>
internal sealed class StdioRelay(Stream output, Uri gateway, string? key, Func<CancellationToken, Task<Uri>> startGateway, TextWriter log, TimeProvider time) : IDisposable
{
    private const string SessionHeader = "Mcp-Session-Id";
    private const int ServerError = -32000;
    private const int ParseError = -32700;

    // Who closes the input wants to hear what is under way, but not for ever: a program that stays is killed in the end.
    private static readonly TimeSpan LastAnswers = TimeSpan.FromSeconds(15);

    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly ConcurrentDictionary<string, CancellationTokenSource> _calls = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly SemaphoreSlim _starting = new(1, 1);
    private Uri _gateway = gateway;
    private string? _session;
    private string? _version;

    /// <summary>Relays until the input ends, and what is under way then has been answered.</summary>
    public async Task RunAsync(Stream input, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(input, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        var underWay = new ConcurrentDictionary<Task, byte>();
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            if (RelayedMessage.Read(line) is not { } message)
            {
                await FailAsync("null", ParseError, "This line is no message of JSON-RPC 2.0.");
                continue;
            }

            if (message.CancelledId is { } cancelled && _calls.TryGetValue(cancelled, out var call))
            {
                await call.CancelAsync();
            }

            var relayed = RelayAsync(line, message, cancellationToken);
            if (message.Method == "initialize")
            {
                await relayed; // what comes behind it needs what it agrees on
                continue;
            }

            underWay.TryAdd(relayed, 0);
            _ = relayed.ContinueWith(t => underWay.TryRemove(t, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }

        await Task.WhenAny(Task.WhenAll(underWay.Keys), Task.Delay(LastAnswers, time, cancellationToken));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _client.Dispose();
        _writing.Dispose();
        _starting.Dispose();
    }

    // Never faults: an answer that cannot be had is an error that is written.
    private async Task RelayAsync(string line, RelayedMessage message, CancellationToken cancellationToken)
    {
        using var call = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (message.Id is not null)
        {
            _calls[message.Id] = call;
        }

        try
        {
            using var response = await SendAsync(line, message, call.Token);
            await PassOnAsync(response, message, call.Token);
        }
        catch (OperationCanceledException) when (call.IsCancellationRequested)
        {
            // It was called off, and whoever does that wants no answer.
        }
        catch (Exception failed)
        {
            await log.WriteLineAsync($"The gateway at {_gateway} did not answer: {failed.Message}");
            if (message.Id is { } id)
            {
                await FailAsync(id, ServerError, $"The gateway at {_gateway} did not answer: {failed.Message}");
            }
        }
        finally
        {
            if (message.Id is not null)
            {
                _calls.TryRemove(message.Id, out _);
            }
        }
    }

    private async Task<HttpResponseMessage> SendAsync(string line, RelayedMessage message, CancellationToken cancellationToken)
    {
        var asked = _gateway;
        try
        {
            return await SendOnceAsync(line, message, asked, cancellationToken);
        }
        catch (HttpRequestException nobody) when (nobody.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError)
        {
            // It never came there, so it can be sent again.
            await StartAsync(asked, cancellationToken);
            return await SendOnceAsync(line, message, _gateway, cancellationToken);
        }
    }

    // Of those who find nobody at the same time one starts a gateway.
    private async Task StartAsync(Uri asked, CancellationToken cancellationToken)
    {
        await _starting.WaitAsync(cancellationToken);
        try
        {
            if (_gateway == asked && !await AnswersAsync(asked, cancellationToken))
            {
                await log.WriteLineAsync($"No gateway answers at {asked}; one is started.");
                _gateway = await startGateway(cancellationToken);
                await log.WriteLineAsync($"The gateway serves on {_gateway}.");
            }
        }
        finally
        {
            _starting.Release();
        }
    }

    private async Task<bool> AnswersAsync(Uri address, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _client.GetAsync(new Uri(address, "/health"), cancellationToken);
            return true;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private async Task<HttpResponseMessage> SendOnceAsync(string line, RelayedMessage message, Uri address, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, "/mcp")) { Content = new StringContent(line, Encoding.UTF8, "application/json") };
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        if (key is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        }

        Add("MCP-Protocol-Version", message.Version ?? _version);
        Add(SessionHeader, _session);
        Add("Mcp-Method", message.Method);
        Add("Mcp-Name", message.Name);
        return await _client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }
    }

    private async Task PassOnAsync(HttpResponseMessage response, RelayedMessage message, CancellationToken cancellationToken)
    {
        if (message.Method == "initialize" && response.Headers.TryGetValues(SessionHeader, out var sessions))
        {
            _session = sessions.First();
        }

        var answered = false;
        if (response.Content.Headers.ContentType?.MediaType == "text/event-stream")
        {
            await foreach (var item in SseParser.Create(await response.Content.ReadAsStreamAsync(cancellationToken)).EnumerateAsync(cancellationToken))
            {
                answered |= await PassOnAsync(item.Data, message);
            }
        }
        else
        {
            var body = await response.Content.ReadAsStringAsync(cancellationToken);
            answered = body.Length > 0 && response.Content.Headers.ContentType?.MediaType == "application/json" && await PassOnAsync(body, message);
            if (!answered && !response.IsSuccessStatusCode && message.Id is { } id)
            {
                await FailAsync(id, ServerError, RelayedMessage.ErrorIn(body) ?? $"The gateway answered {(int)response.StatusCode} {response.ReasonPhrase}.");
                answered = true;
            }
        }

        if (!answered && message.Id is { } open)
        {
            await FailAsync(open, ServerError, "The gateway ended before it had answered.");
        }
    }

    // True: it was the answer, after which nothing more comes.
    private async Task<bool> PassOnAsync(string json, RelayedMessage message)
    {
        if (json.Length == 0 || RelayedMessage.Read(json) is not { } passed)
        {
            return false;
        }

        if (message.Method == "initialize" && passed.AgreedVersion is { } version)
        {
            _version = version;
        }

        await WriteAsync(json);
        return passed.Method is null && passed.Id == message.Id;
    }

    private Task FailAsync(string id, int code, string message) =>
        WriteAsync($$$"""{"jsonrpc":"2.0","id":{{{id}}},"error":{"code":{{{code}}},"message":{{{JsonSerializer.Serialize(message)}}}}}""");

    // A line break within JSON stands between its parts, never within a text.
    private async Task WriteAsync(string json)
    {
        var line = Encoding.UTF8.GetBytes(json.ReplaceLineEndings(" ") + "\n");
        await _writing.WaitAsync();
        try
        {
            await output.WriteAsync(line);
            await output.FlushAsync();
        }
        finally
        {
            _writing.Release();
        }
    }
}
