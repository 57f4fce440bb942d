using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace MlxGateway.Benchmarks;

/// <summary>A process that this program started. Disposing asks it to stop, waits, and then insists.</summary>
internal sealed class Child : IAsyncDisposable
{
    private const int SigTerm = 15;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(15);

    private static readonly ConcurrentDictionary<Child, bool> Living = [];

    private readonly Process _process;
    private readonly Queue<string> _tail = new();
    private readonly TaskCompletionSource<string> _firstLine = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Child(Process process)
    {
        _process = process;
        Living[this] = true;
        process.OutputDataReceived += (_, line) => Keep(line.Data, isOutput: true);
        process.ErrorDataReceived += (_, line) => Keep(line.Data, isOutput: false);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Its process id.</summary>
    public int Pid => _process.Id;

    /// <summary>Starts a program. Its output is read, and shown only if it fails.</summary>
    public static Child Start(string file, IEnumerable<string> args, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(file, args) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new Child(Process.Start(start)!);
    }

    /// <summary>Starts this program in another mode.</summary>
    public static Child StartSelf(string[] args, params (string Name, string Value)[] environment) => Start("dotnet", [typeof(Child).Assembly.Location, .. args], environment);

    /// <summary>Stops all that are still running, at the same time.</summary>
    public static void StopAll() => Task.WaitAll(Living.Keys.Select(c => c.StopAsync()));

    /// <summary>A port on which nothing listens now.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>Waits until it answers the address with a 2xx.</summary>
    /// <exception cref="InvalidOperationException">It ended, or did not answer for a minute.</exception>
    public async Task UntilReadyAsync(Uri address, TimeSpan poll)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < TimeSpan.FromMinutes(1) && !_process.HasExited; await Task.Delay(poll))
        {
            try
            {
                // A refused connection costs a socket little and an HTTP client much: what is polled must not be slowed by who polls.
                using var knock = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await knock.ConnectAsync(address.Host, address.Port);
                using var response = await client.GetAsync(address);
                if (response.IsSuccessStatusCode)
                {
                    return;
                }
            }
            catch (Exception error) when (error is HttpRequestException or TaskCanceledException or SocketException)
            {
                // Not yet.
            }
        }

        throw new InvalidOperationException($"{_process.StartInfo.FileName} is not ready at {address}:\n{Tail()}");
    }

    /// <summary>The first line of its output, once it ended well.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public async Task<string> ResultAsync()
    {
        await ExitAsync();
        return await _firstLine.Task;
    }

    /// <summary>Waits for its good end.</summary>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public async Task ExitAsync()
    {
        await _process.WaitForExitAsync();
        if (_process.ExitCode != 0)
        {
            throw new InvalidOperationException($"exit {_process.ExitCode}:\n{Tail()}");
        }
    }

    /// <summary>Asks it to stop and waits until it is gone.</summary>
    public async Task StopAsync()
    {
        if (_process.HasExited)
        {
            return;
        }

        // Process.Kill is SIGKILL only, and a gateway that is killed cannot stop its runners itself.
        _ = Kill(_process.Id, SigTerm);
        using var patience = new CancellationTokenSource(Grace);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Living.TryRemove(this, out _);
        _process.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int pid, int signal);

    private void Keep(string? line, bool isOutput)
    {
        if (line is null)
        {
            return;
        }

        if (isOutput)
        {
            _firstLine.TrySetResult(line);
        }

        lock (_tail)
        {
            _tail.Enqueue(line);
            while (_tail.Count > 20)
            {
                _tail.Dequeue();
            }
        }
    }

    private string Tail()
    {
        lock (_tail)
        {
            return string.Join('\n', _tail);
        }
    }
}
