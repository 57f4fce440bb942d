using System.Net;
using System.Net.Sockets;

namespace MlxGateway.RemoteImages;

/// <summary>Fetches images from the internet, and from nowhere else: it connects to the very address that was checked, whatever a name stands for a moment later.</summary>
internal sealed class ImageFetcher : IDisposable
{
    private const int MostRedirects = 3;

    private readonly HttpMessageInvoker _http;
    private readonly RemoteImageOptions _options;
    private readonly Func<string, CancellationToken, Task<IPAddress[]>> _resolve;
    private readonly Func<IPAddress, bool> _isAllowed;

    /// <param name="options">What is allowed.</param>
    public ImageFetcher(RemoteImageOptions options)
        : this(options, static (host, cancellationToken) => Dns.GetHostAddressesAsync(host, cancellationToken), address => options.AllowPrivateAddresses || PublicAddress.Is(address))
    {
    }

    /// <param name="options">What is allowed.</param>
    /// <param name="resolve">Says what a name stands for.</param>
    /// <param name="isAllowed">Whether an address may be connected to.</param>
    internal ImageFetcher(RemoteImageOptions options, Func<string, CancellationToken, Task<IPAddress[]>> resolve, Func<IPAddress, bool> isAllowed)
    {
        (_options, _resolve, _isAllowed) = (options, resolve, isAllowed);
        _http = new HttpMessageInvoker(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            Credentials = null,
            ActivityHeadersPropagator = null,
            MaxResponseHeadersLength = 16,
            MaxResponseDrainSize = 0,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(10),
            ConnectCallback = ConnectAsync,
        });
    }

    /// <summary>Fetches one image.</summary>
    /// <exception cref="RemoteImageException">It cannot be had.</exception>
    public async Task<EncodedImage> FetchAsync(Uri address, CancellationToken cancellationToken)
    {
        try
        {
            for (var hop = 0; hop <= MostRedirects; hop++)
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, address);
                request.Headers.TryAddWithoutValidation("Accept", "image/png, image/jpeg, image/webp, image/gif");
                request.Headers.TryAddWithoutValidation("User-Agent", "MlxGateway");
                using var response = await _http.SendAsync(request, cancellationToken);
                if ((int)response.StatusCode is 301 or 302 or 303 or 307 or 308)
                {
                    address = Follow(address, response.Headers.Location);
                    continue;
                }

                if (response.StatusCode != HttpStatusCode.OK)
                {
                    throw new RemoteImageException($"its server answered with status {(int)response.StatusCode}");
                }

                await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
                return await EncodedImage.ReadAsync(body, response.Content.Headers.ContentLength, _options.MaxBytes.Bytes, cancellationToken);
            }
        }
        catch (HttpRequestException failed)
        {
            throw failed.InnerException as RemoteImageException ?? new RemoteImageException(failed.HttpRequestError switch
            {
                HttpRequestError.NameResolutionError => "its name is not known",
                HttpRequestError.SecureConnectionError => "its server has no certificate that can be trusted",
                HttpRequestError.ConnectionError => "its server cannot be reached",
                _ => "its server does not speak HTTP as it should",
            });
        }
        catch (IOException)
        {
            throw new RemoteImageException("the connection broke before it was complete");
        }

        throw new RemoteImageException($"it was redirected more than {MostRedirects} times");
    }

    /// <summary>Checks an address as far as its text goes.</summary>
    /// <exception cref="RemoteImageException">It is none that images are fetched from.</exception>
    public static Uri Check(string url) =>
        !Uri.TryCreate(url, UriKind.Absolute, out var address) ? throw new RemoteImageException("it is no absolute address")
        : address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps ? throw new RemoteImageException($"images are fetched by http and https only, not by '{address.Scheme}'")
        : address.UserInfo.Length > 0 ? throw new RemoteImageException("its address must not hold a user name or password")
        : address;

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static Uri Follow(Uri from, Uri? location)
    {
        var to = location is null ? throw new RemoteImageException("it was redirected to nowhere")
            : Uri.TryCreate(from, location, out var target) ? Check(target.OriginalString)
            : throw new RemoteImageException("it was redirected to what is no address");
        return from.Scheme == Uri.UriSchemeHttps && to.Scheme != Uri.UriSchemeHttps
            ? throw new RemoteImageException("it was redirected from https to http")
            : to;
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var end = context.DnsEndPoint;
        IPAddress[] known;
        try
        {
            known = await _resolve(end.Host, cancellationToken);
        }
        catch (SocketException)
        {
            throw new RemoteImageException("its name is not known");
        }

        var allowed = Array.FindAll(known, a => _isAllowed(a));
        if (allowed.Length == 0)
        {
            throw new RemoteImageException("its address is not one of the public internet; RemoteImages:AllowPrivateAddresses allows such");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, end.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
