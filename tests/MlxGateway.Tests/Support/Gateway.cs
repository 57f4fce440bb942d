using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using MlxGateway.Tests.DemoRunner;
using Xunit;

namespace MlxGateway.Tests.Support;

/// <summary>The real gateway as a child process, with a configuration and a state folder of its own. Disposing ends it and everything of it.</summary>
public sealed class Gateway : IAsyncDisposable
{
    /// <summary>Members of <c>Engines</c> that keep a gateway from asking every Python of this machine what it has, which takes longer than all the rest of its start.</summary>
    public const string NoPythons = """ "mlx_lm":{"Python":"/nowhere/python3"},"mlx_vlm":{"Python":"/nowhere/python3"},"mlc_llm":{"Python":"/nowhere/python3"} """;

    private const string NoEngines = $$$"""
        "Engines":{"llama_server":{"Executable":"/nowhere/llama-server"},{{{NoPythons}}}},
        """;

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(5);

    private readonly Process _process;
    private readonly DirectoryInfo _folder;
    private readonly ConcurrentQueue<string> _lines;

    private Gateway(Process process, DirectoryInfo folder, ConcurrentQueue<string> lines, Uri address)
    {
        _process = process;
        _folder = folder;
        _lines = lines;
        Address = address;
        Client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(100) };
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>A client of it.</summary>
    public HttpClient Client { get; }

    /// <summary>Its process id.</summary>
    public int Pid => _process.Id;

    /// <summary>Everything it has written so far.</summary>
    public string Output => string.Join('\n', _lines);

    /// <summary>Its state folder, where its log is.</summary>
    public string StateFolder => Path.Combine(_folder.FullName, "mlxgateway");

    /// <summary>All that is in the files of its state folder at a moment.</summary>
    public string StateText()
    {
        while (true)
        {
            try
            {
                return string.Join('\n', Directory.EnumerateFiles(StateFolder, "*", SearchOption.AllDirectories).Select(ReadShared));
            }
            catch (FileNotFoundException)
            {
                // One was replaced between the look at the folder and the look at it; what replaced it is not to be missed.
            }
        }
    }

    /// <summary>Starts it with these models, and returns when it serves.</summary>
    /// <param name="models">The members of <c>Models</c>, as JSON.</param>
    /// <param name="rest">Further members of <c>MlxGateway</c>, as JSON. Without <c>Engines</c> among them it has the demonstration runner and commands only.</param>
    /// <param name="args">Further switches.</param>
    public static async Task<Gateway> StartAsync(string models, string rest = "", params string[] args)
    {
        return await StartAsync(Directory.CreateTempSubdirectory("mlxgateway-test-"), models, rest, args);
    }

    /// <summary>Starts it with variables of its own beside those of this process.</summary>
    public static Task<Gateway> StartAsync(IReadOnlyDictionary<string, string> variables, string models, string rest, params string[] args) =>
        StartAsync(Directory.CreateTempSubdirectory("mlxgateway-test-"), models, rest, args, variables);

    /// <summary>Starts another one over the same state folder; it may be used after this one has ended, or beside it. Dispose it before this one.</summary>
    public Task<Gateway> StartAnotherAsync(string models, string rest = "") => StartAsync(_folder, models, rest, []);

    /// <summary>The same with variables of its own and switches.</summary>
    public Task<Gateway> StartAnotherAsync(IReadOnlyDictionary<string, string> variables, string models, string rest, params string[] args) => StartAsync(_folder, models, rest, args, variables);

    private static async Task<Gateway> StartAsync(DirectoryInfo folder, string models, string rest, string[] args, IReadOnlyDictionary<string, string>? variables = null)
    {
        var config = Path.Combine(folder.FullName, "config.json");
        var more = rest.Length > 0 ? rest + "," : "";
        await File.WriteAllTextAsync(config, Configuration($$$"""{{{more}}}"Models":{ {{{models}}} }"""), Patience());
        var (process, lines) = Launch(folder.FullName, ["--config", config, "--port", "0", .. args], variables);
        try
        {
            await UntilAsync(() =>
            {
                Assert.False(process.HasExited, $"The gateway ended: {string.Join('\n', lines)}");
                return lines.Any(l => l.StartsWith("  Memory", StringComparison.Ordinal));
            });

            return new Gateway(process, folder, lines, new Uri(lines.First(l => l.StartsWith("MlxGateway serves on ", StringComparison.Ordinal))["MlxGateway serves on ".Length..]));
        }
        catch
        {
            process.Kill();
            throw;
        }
    }

    /// <summary>Runs it with these switches where it is expected to end by itself.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string config, params string[] args)
    {
        var folder = Directory.CreateTempSubdirectory("mlxgateway-test-");
        try
        {
            var file = Path.Combine(folder.FullName, "config.json");
            await File.WriteAllTextAsync(file, config, Patience());
            var (process, lines) = Launch(folder.FullName, ["--config", file, .. args]);
            using (process)
            {
                try
                {
                    await process.WaitForExitAsync(Patience());
                    return (process.ExitCode, string.Join('\n', lines));
                }
                finally
                {
                    process.Kill();
                }
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>Writes its configuration file anew.</summary>
    /// <param name="members">The members of <c>MlxGateway</c>, as JSON.</param>
    public void Configure(string members) => File.WriteAllText(Path.Combine(_folder.FullName, "config.json"), Configuration(members));

    /// <summary>Posts a body and returns the answer whatever its status.</summary>
    public async Task<Answer> PostAsync(string path, string body, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        return await SendAsync(request, headers);
    }

    /// <summary>Sends a request and returns the answer whatever its status.</summary>
    public async Task<Answer> SendAsync(HttpRequestMessage request, params (string Name, string Value)[] headers)
    {
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        var patience = Patience();
        try
        {
            using var response = await Client.SendAsync(request, patience);
            return new Answer(response, await response.Content.ReadAsStringAsync(patience));
        }
        catch (OperationCanceledException exception) when (patience.IsCancellationRequested)
        {
            throw new TimeoutException($"{request.Method} {request.RequestUri} was never answered. What the gateway wrote:\n{string.Join('\n', _lines.TakeLast(40))}", exception);
        }
    }

    /// <summary>Gets a path.</summary>
    public async Task<Answer> GetAsync(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        return await SendAsync(request);
    }

    /// <summary>Asks a model something.</summary>
    /// <param name="model">The model.</param>
    /// <param name="members">Further members of the body, as JSON.</param>
    public Task<Answer> ChatAsync(string model, string members = "") => PostAsync("/v1/chat/completions", ChatBody(model, members));

    /// <summary>Sends a chat completion over a connection of its own.</summary>
    public async Task<RawConnection> OpenChatAsync(string model, string members)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(Address.Host, Address.Port, Patience());
        var connection = new RawConnection(socket);
        await connection.SendAsync("/v1/chat/completions", ChatBody(model, members));
        return connection;
    }

    /// <summary>What <c>GET /running</c> says.</summary>
    public async Task<IReadOnlyList<RunningModel>> RunningAsync() =>
        [.. (await GetAsync("/running")).Json.GetProperty("running").EnumerateArray().Select(m => new RunningModel(
            m.GetProperty("model").GetString()!,
            m.GetProperty("state").GetString()!,
            m.GetProperty("pid").ValueKind == JsonValueKind.Null ? null : m.GetProperty("pid").GetInt32(),
            m.GetProperty("port").ValueKind == JsonValueKind.Null ? null : m.GetProperty("port").GetInt32(),
            m.GetProperty("leases").GetInt32(),
            m.GetProperty("waiting").GetInt32()))];

    /// <summary>Waits until the running models look as described.</summary>
    public async Task<IReadOnlyList<RunningModel>> UntilRunningAsync(Func<IReadOnlyList<RunningModel>, bool> looks)
    {
        var patience = Patience();
        using var glances = new PeriodicTimer(Glance); // a loop without a pause would take the processor from those it waits for
        while (true)
        {
            var running = await RunningAsync();
            if (looks(running))
            {
                return running;
            }

            Assert.False(patience.IsCancellationRequested, $"It never came to that; at the end: {string.Join(", ", running)}");
            await glances.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until the gateway has written a line that contains the text.</summary>
    public async Task<string> UntilWrittenAsync(string text)
    {
        await UntilAsync(() => _lines.Any(l => l.Contains(text, StringComparison.Ordinal)));
        return _lines.First(l => l.Contains(text, StringComparison.Ordinal));
    }

    /// <summary>Sends it a signal.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", [$"-{name}", Pid.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>Waits for its end.</summary>
    public async Task<int> ExitCodeAsync()
    {
        await _process.WaitForExitAsync(Patience());
        return _process.ExitCode;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (!_process.HasExited)
        {
            Signal("TERM");
            using var bound = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            try
            {
                await _process.WaitForExitAsync(bound.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(); // its guard ends what it leaves
            }
        }

        _process.Dispose();
        _folder.Refresh();
        if (_folder.Exists)
        {
            EndKept();
            _folder.Delete(recursive: true);
        }
    }

    // What a test that failed left for a gateway that does not come any more.
    private void EndKept()
    {
        var kept = new DirectoryInfo(Path.Combine(StateFolder, "kept"));
        foreach (var file in kept.Exists ? kept.GetFiles("*.json*") : [])
        {
            var pid = JsonDocument.Parse(File.ReadAllText(file.FullName)).RootElement.GetProperty("leader").GetProperty("pid").GetInt32();
            using var kill = Process.Start("kill", ["-9", pid.ToString(CultureInfo.InvariantCulture)]);
            kill.WaitForExit();
        }
    }

    /// <summary>Whether a process is there and not a zombie.</summary>
    public static bool IsAlive(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..][0] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Waits until a process is gone; fails after the given time.</summary>
    public static async Task GoneAsync(int pid, TimeSpan within)
    {
        var since = Stopwatch.StartNew();
        await UntilAsync(() =>
        {
            var alive = IsAlive(pid);
            Assert.False(alive && since.Elapsed > within, $"Process {pid} is alive after {within.TotalSeconds:0} s.");
            return !alive;
        });
    }

    /// <summary>A chat body.</summary>
    public static string ChatBody(string model, string members = "") =>
        $$"""{"model":{{JsonSerializer.Serialize(model)}},"messages":[{"role":"user","content":"Hello"}]{{(members.Length > 0 ? "," : "")}}{{members}}}""";

    /// <summary>Looks again and again until the condition holds.</summary>
    public static async Task UntilAsync(Func<bool> condition)
    {
        var patience = Patience();
        using var glances = new PeriodicTimer(Glance);
        while (!condition())
        {
            await glances.WaitForNextTickAsync(patience);
        }
    }

    /// <summary>Asks again and again until the condition holds.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var patience = Patience();
        using var glances = new PeriodicTimer(Glance);
        while (!await condition())
        {
            await glances.WaitForNextTickAsync(patience);
        }
    }

    private static string ReadShared(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(file);
        return reader.ReadToEnd();
    }

    private static string Configuration(string members) =>
        $$$"""{"MlxGateway":{"Discovery":{"HuggingFaceCache":false,"LmStudio":false,"Ollama":false},{{{(members.Contains("\"Engines\":", StringComparison.Ordinal) ? "" : NoEngines)}}} {{{members}}} } }""";

    private static CancellationToken Patience() => Demo.Patience();

    private static (Process, ConcurrentQueue<string>) Launch(string folder, string[] args, IReadOnlyDictionary<string, string>? variables = null)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "MlxGateway"), args) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        start.Environment["XDG_STATE_HOME"] = folder;
        start.Environment["SECRET_TOKEN"] = "must-not-reach-a-runner";
        foreach (var (name, value) in variables ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        var lines = new ConcurrentQueue<string>();
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, e) => Add(e.Data);
        process.ErrorDataReceived += (_, e) => Add(e.Data);
        InterruptSignal.Heard(() => process.Start());
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return (process, lines);

        void Add(string? line)
        {
            if (line is not null)
            {
                lines.Enqueue(line);
            }
        }
    }
}

/// <summary>One entry of <c>GET /running</c>.</summary>
public sealed record RunningModel(string Model, string State, int? Pid, int? Port, int Leases, int Waiting);

/// <summary>An answer of the gateway.</summary>
public sealed class Answer(HttpResponseMessage response, string text)
{
    /// <summary>The status.</summary>
    public int Status { get; } = (int)response.StatusCode;

    /// <summary>The body.</summary>
    public string Text { get; } = text;

    /// <summary>The body as JSON.</summary>
    public JsonElement Json => JsonDocument.Parse(Text).RootElement;

    /// <summary>The code of the error.</summary>
    public string? Code => Json.GetProperty("error").GetProperty("code").GetString();

    /// <summary>The message of the error.</summary>
    public string Message => Json.GetProperty("error").GetProperty("message").GetString()!;

    /// <summary>The text of the first choice.</summary>
    public string Content => Json.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;

    /// <summary>A header, or null.</summary>
    public string? Header(string name) => response.Headers.TryGetValues(name, out var values) || response.Content.Headers.TryGetValues(name, out values) ? string.Join(',', values) : null;
}
