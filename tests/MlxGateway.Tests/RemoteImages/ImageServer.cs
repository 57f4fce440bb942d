using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MlxGateway.RemoteImages;

namespace MlxGateway.Tests.RemoteImages;

/// <summary>A server of images on loopback, by the name <c>images.test</c>. With a certificate it speaks TLS. What it is asked can be held back, to see what is asked at the same time.</summary>
internal sealed class ImageServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, byte[]> _answers = new();
    private readonly X509Certificate2? _certificate;
    private readonly Lock _lock = new();
    private readonly List<(int Count, TaskCompletionSource Reached)> _awaited = [];
    private readonly TaskCompletionSource _left = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _serving;
    private int _now;

    private ImageServer(X509Certificate2? certificate)
    {
        _certificate = certificate;
        _listener.Start();
        _serving = ServeAsync();
    }

    /// <summary>A small image.</summary>
    public static byte[] Png { get; } = [0x89, (byte)'P', (byte)'N', (byte)'G', 0x0D, 0x0A, 0x1A, 0x0A, 1, 2, 3, 4, 5];

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The paths that were asked for.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>How many requests were there and unanswered at the same time, at most.</summary>
    public int Most { get; private set; }

    /// <summary>Until it is completed, no request is answered.</summary>
    public TaskCompletionSource Gate { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when a client left while its request was held back.</summary>
    public Task ClientLeft => _left.Task;

    /// <summary>Starts a server whose answers are not held back.</summary>
    public static ImageServer Start()
    {
        var server = StartHeld();
        server.Gate.SetResult();
        return server;
    }

    /// <summary>Starts a server that answers once its gate is open.</summary>
    public static ImageServer StartHeld() => new(null);

    /// <summary>Starts a server whose certificate nobody vouches for.</summary>
    public static ImageServer StartSelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("images.test");
        var request = new CertificateRequest("CN=images.test", key, HashAlgorithmName.SHA256) { CertificateExtensions = { names.Build() } };
        using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var server = new ImageServer(X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null));
        server.Gate.SetResult();
        return server;
    }

    /// <summary>A fetcher that knows the server by its name, and may connect to it and to nothing else.</summary>
    public static ImageFetcher Fetcher(RemoteImageOptions options) => new(
        options,
        static (host, _) => Task.FromResult<IPAddress[]>(host == "images.test" ? [IPAddress.Loopback] : throw new SocketException((int)SocketError.HostNotFound)),
        static address => address.Equals(IPAddress.Loopback));

    /// <summary>What it says at a path.</summary>
    public void Answer(string path, byte[] image) => _answers[path] = [.. Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {image.Length}\r\nConnection: close\r\n\r\n"), .. image];

    /// <summary>Completes when so many requests are there at the same time.</summary>
    public Task AtOnceAsync(int count)
    {
        lock (_lock)
        {
            if (_now >= count)
            {
                return Task.CompletedTask;
            }

            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _awaited.Add((count, reached));
            return reached.Task;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Gate.TrySetResult();
        await _stop.CancelAsync(); // before the listener, whose end is another exception in every moment
        await _serving;
        _listener.Stop();
        _stop.Dispose();
        _certificate?.Dispose();
    }

    private async Task ServeAsync()
    {
        var served = new List<Task>();
        try
        {
            while (true)
            {
                served.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(served);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await using var stream = await OpenAsync(client);
                using var reader = new StreamReader(stream);
                var path = (await reader.ReadLineAsync())?.Split(' ')[1] ?? throw new IOException();
                while (await reader.ReadLineAsync() is { Length: > 0 })
                {
                }

                Asked.Enqueue(path);
                Count(1);
                bool left;
                try
                {
                    // A client that leaves is seen by the end of what it sends.
                    var gone = reader.ReadLineAsync();
                    left = await Task.WhenAny(Gate.Task, gone) == gone;
                }
                finally
                {
                    Count(-1); // before the answer: who has that may come with its next request at once
                }

                if (left)
                {
                    _left.TrySetResult();
                    return;
                }

                await stream.WriteAsync(_answers.GetValueOrDefault(path) ?? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray());
            }
            catch (Exception left) when (left is IOException or AuthenticationException)
            {
                // The client left, or does not trust the certificate.
            }
        }
    }

    private async Task<Stream> OpenAsync(TcpClient client)
    {
        if (_certificate is null)
        {
            return client.GetStream();
        }

        var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsServerAsync(_certificate);
        return tls;
    }

    private void Count(int more)
    {
        lock (_lock)
        {
            _now += more;
            Most = Math.Max(Most, _now);
            _awaited.FindAll(a => a.Count <= _now).ForEach(a => a.Reached.TrySetResult());
        }
    }
}
