using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Tests.DemoRunner;

/// <summary>The real demonstration runner as a child process. Disposing kills it.</summary>
public sealed class Demo : IAsyncDisposable
{
    private readonly Process _process;

    private Demo(Process process, Uri? address)
    {
        _process = process;
        Address = address;
        Client = new HttpClient { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) };
    }

    /// <summary>Where it listens; null if it was not waited for.</summary>
    public Uri? Address { get; }

    /// <summary>A client of it.</summary>
    public HttpClient Client { get; }

    /// <summary>Its process id.</summary>
    public int Pid => _process.Id;

    /// <summary>What it says on standard error.</summary>
    public StreamReader Errors => _process.StandardError;

    /// <summary>Starts it on a free port and returns when it listens.</summary>
    public static async Task<Demo> ListenAsync(params string[] args)
    {
        var process = Launch(["--port", "0", .. args]);
        var line = await process.StandardOutput.ReadLineAsync(Patience());
        Assert.StartsWith("listening on ", line, StringComparison.Ordinal);
        return new Demo(process, new Uri(line!["listening on ".Length..]));
    }

    /// <summary>Starts it and returns at once.</summary>
    public static Demo Start(params string[] args) => new(Launch(args), null);

    /// <summary>Waits for its end.</summary>
    public async Task<int> ExitCodeAsync()
    {
        await _process.WaitForExitAsync(Patience());
        return _process.ExitCode;
    }

    /// <summary>Sends it SIGTERM.</summary>
    public async Task TerminateAsync()
    {
        using var kill = Process.Start("kill", ["-TERM", Pid.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(Patience());
    }

    /// <summary>Posts JSON and returns the answer as JSON, whatever its status.</summary>
    public async Task<(int Status, JsonElement Body)> PostAsync(string path, string json)
    {
        using var content = new StringContent(json, Encoding.UTF8, "application/json");
        using var response = await Client.PostAsync(path, content, Patience());
        using var document = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(Patience()));
        return ((int)response.StatusCode, document.RootElement.Clone());
    }

    /// <summary>Posts a chat completion with these extra members of the body.</summary>
    public Task<(int Status, JsonElement Body)> ChatAsync(string members = "") => PostAsync("/v1/chat/completions", ChatBody(members));

    /// <summary>What <c>/demo/requests</c> says.</summary>
    public async Task<JsonElement> CountsAsync()
    {
        using var document = JsonDocument.Parse(await Client.GetByteArrayAsync("/demo/requests", Patience()));
        return document.RootElement.Clone();
    }

    /// <summary>Waits until one of the counts has the value.</summary>
    public Task UntilAsync(string count, int value) => Gateway.UntilAsync(async () => (await CountsAsync()).GetProperty(count).GetInt32() == value);

    /// <summary>Opens a connection of its own and sends a chat completion over it.</summary>
    public async Task<RawConnection> OpenChatAsync(string members)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(Address!.Host, Address.Port, Patience());
        var connection = new RawConnection(socket);
        await connection.SendAsync("/v1/chat/completions", ChatBody(members));
        return connection;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    /// <summary>Far longer than anything takes here, so that a runner that hangs fails the test and not the run.</summary>
    internal static CancellationToken Patience()
    {
        var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        source.CancelAfter(TimeSpan.FromSeconds(60));
        return source.Token;
    }

    private static string ChatBody(string members) =>
        $$"""{"model":"asked-for","messages":[{"role":"user","content":"two words"}]{{(members.Length > 0 ? "," : "")}}{{members}}}""";

    private static Process Launch(string[] args) =>
        Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "MlxGateway.DemoRunner"), args) { RedirectStandardOutput = true, RedirectStandardError = true })!;
}
