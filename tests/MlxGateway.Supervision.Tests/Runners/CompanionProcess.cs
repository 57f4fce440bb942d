using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using Xunit;

namespace MlxGateway.Supervision.Tests.Runners;

/// <summary>The companion with a real engine, as a plain process whose output is read. Disposing kills it.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
internal sealed class CompanionProcess : IAsyncDisposable
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero }) { Timeout = TimeSpan.FromSeconds(80) };

    private readonly Process _process;
    private readonly Channel<JsonObject> _events = Channel.CreateUnbounded<JsonObject>();
    private readonly StringBuilder _log = new();

    private CompanionProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null)
            {
                _events.Writer.TryComplete();
            }
            else if (line.Data.StartsWith('{'))
            {
                _events.Writer.TryWrite(JsonNode.Parse(line.Data)!.AsObject());
            }
        };
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_log)
            {
                _log.AppendLine(line.Data);
            }
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public int Port { get; private set; }

    public StreamWriter Input => _process.StandardInput;

    public static CompanionProcess Start(string python, params string[] arguments) => Start(python, [], arguments);

    public static CompanionProcess Start(string python, Dictionary<string, string> environment, params string[] arguments)
    {
        var companion = Path.Combine(AppContext.BaseDirectory, "mlx_lm_companion.py");
        var start = new ProcessStartInfo(python, python == "/bin/sh" ? arguments : [companion, "--port", "0", .. arguments])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        foreach (var (name, value) in new Dictionary<string, string>(environment) { ["MLX_DISABLE_COMPILE"] = "1", ["HF_HUB_OFFLINE"] = "1", ["PYTHONUNBUFFERED"] = "1" })
        {
            start.Environment[name] = value;
        }

        return new CompanionProcess(Process.Start(start)!);
    }

    /// <summary>Started, listening and loaded.</summary>
    public static async Task<CompanionProcess> ReadyAsync(string python, params string[] arguments)
    {
        var companion = Start(python, arguments);
        await companion.EventAsync("loaded");
        return companion;
    }

    /// <summary>The next event of that name; what comes before it must be on the way to it.</summary>
    public async Task<JsonObject> EventAsync(string name)
    {
        await foreach (var said in _events.Reader.ReadAllAsync(Nursery.Patience()))
        {
            if ((string)said["event"]! == "listening")
            {
                Port = (int)said["port"]!;
            }

            if ((string)said["event"]! == name)
            {
                // The model may be there before the port is.
                return name == "loaded" && Port == 0 ? await EventAsync("listening") : said;
            }
        }

        throw new InvalidOperationException($"It ended without saying \"{name}\": {Log}");
    }

    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    /// <summary>Its exit code and the reason it gave.</summary>
    public async Task<(int Code, string Reason)> EndAsync()
    {
        var exit = await EventAsync("exit");
        await _process.WaitForExitAsync(Nursery.Patience());
        Assert.Equal(_process.ExitCode, (int)exit["code"]!);
        return (_process.ExitCode, (string)exit["reason"]!);
    }

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body = null, string? origin = null, string? authorization = null)
    {
        using var request = new HttpRequestMessage(method, new Uri($"http://127.0.0.1:{Port}{path}"));
        request.Headers.ConnectionClose = true;
        if (body is not null)
        {
            request.Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json");
        }

        if (origin is not null)
        {
            request.Headers.Add("Origin", origin);
        }

        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        return await Http.SendAsync(request, Nursery.Patience());
    }

    /// <summary>Posts a request whose answer is read line by line, as it comes.</summary>
    public async Task<StreamReader> StreamAsync(string path, object body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri($"http://127.0.0.1:{Port}{path}")) { Content = new StringContent(JsonSerializer.Serialize(body), Encoding.UTF8, "application/json") };
        request.Headers.ConnectionClose = true;
        var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Nursery.Patience());
        return new StreamReader(await response.Content.ReadAsStreamAsync(Nursery.Patience()));
    }

    public async Task<JsonObject> JsonAsync(HttpMethod method, string path, object? body = null)
    {
        using var response = await SendAsync(method, path, body);
        return JsonNode.Parse(await response.Content.ReadAsStringAsync(Nursery.Patience()))!.AsObject();
    }

    /// <summary>Sends a chat request and does not read the answer; disposing the client is leaving.</summary>
    public async Task<TcpClient> AskAsync(object body)
    {
        var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Port, Nursery.Patience());
        var bytes = JsonSerializer.SerializeToUtf8Bytes(body);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {bytes.Length}\r\n\r\n"), Nursery.Patience());
        await client.GetStream().WriteAsync(bytes, Nursery.Patience());
        return client;
    }

    /// <summary>Completes when so many requests run and so many wait.</summary>
    public async Task CountsAsync(int running, int queued)
    {
        var patience = Nursery.Patience();
        while (true)
        {
            var requests = (await JsonAsync(HttpMethod.Get, "/gateway/status"))["requests"]!;
            if (((int)requests["running"]!, (int)requests["queued"]!) == (running, queued))
            {
                return;
            }

            await Task.Delay(20, patience);
        }
    }

    /// <summary>Completes when it computes nothing any more.</summary>
    /// <returns>The processor time that it still used.</returns>
    public async Task<TimeSpan> RestAsync()
    {
        var began = Cpu();
        for (var waited = 0; waited < 30; waited++)
        {
            var before = Cpu();
            await Task.Delay(300, Nursery.Patience());
            if (Cpu() - before < TimeSpan.FromMilliseconds(40))
            {
                return before - began;
            }
        }

        throw new TimeoutException(string.Create(CultureInfo.InvariantCulture, $"It still computes: {(Cpu() - began).TotalSeconds} s of processor time. {Log}"));
    }

    /// <summary>How many requests the generating thread has taken up.</summary>
    public int TakenUp() => Log.Split("Prompt Cache: ").Length - 1;

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }

    private TimeSpan Cpu()
    {
        _process.Refresh();
        return _process.TotalProcessorTime;
    }
}
