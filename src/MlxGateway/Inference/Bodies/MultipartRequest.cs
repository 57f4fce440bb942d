using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace MlxGateway.Inference.Bodies;

/// <summary>A request whose body is a form in parts, of which files may be large: scanned while it is read, kept in memory or on disk, and sent on with another value of <c>model</c> and otherwise byte for byte.</summary>
internal sealed class MultipartRequest : InferenceRequest
{
    private const int ReadSize = 64 * 1024;
    private readonly Upload _upload;
    private readonly MultipartScanner _form;
    private readonly string _boundary;
    private byte[]? _digest;
    private BodyEdit? _edit;

    private MultipartRequest(InferenceRoute route, string contentType, string boundary, Upload upload, MultipartScanner form)
        : base(route)
    {
        (ContentType, _boundary, _upload, _form) = (contentType, boundary, upload, form);
    }

    /// <inheritdoc/>
    public override string? Model => _form.Model;

    /// <inheritdoc/>
    public override bool Stream => _form.Stream && Route.Shape != StreamShape.None;

    /// <inheritdoc/>
    public override long BodyLength => _upload.Length;

    /// <inheritdoc/>
    public override string? ContentType { get; }

    /// <summary>Reads and checks a form. Exactly one of the two results is there; with an error nothing of it is left.</summary>
    public static async ValueTask<(InferenceRequest? Request, GatewayError? Error)> ReadAsync(Stream source, string contentType, InferenceRoute route, LimitOptions limits, string folder, CancellationToken cancellationToken)
    {
        if (Boundary.Of(contentType) is not { } boundary)
        {
            return (null, GatewayError.InvalidRequest("The Content-Type of the form names no usable boundary.", "boundary"));
        }

        var form = new MultipartScanner(boundary);
        var upload = new Upload(folder, limits.SpillAfter.Bytes);
        var buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
        var isKept = false;
        try
        {
            var error = await ReadAsync(source, buffer, form, upload, limits, cancellationToken) ?? form.Complete();
            isKept = error is null;
            return isKept ? (new MultipartRequest(route, contentType, boundary, upload, form), null) : (null, error);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            if (!isKept)
            {
                upload.Dispose();
            }
        }
    }

    /// <inheritdoc/>
    public override string IdentityFor(string model)
    {
        // The body may be long and on disk, so it is read for this once at most.
        _digest ??= Digest();
        return Convert.ToHexString(SHA256.HashData([.. Encoding.UTF8.GetBytes($"{Route.Path}\n{model}\n"), .. _digest]));
    }

    /// <inheritdoc/>
    public override void NameModel(string name)
    {
        var value = Encoding.UTF8.GetBytes(name);
        _edit = _form.ModelOffset >= 0
            ? new BodyEdit(_form.ModelOffset, _form.ModelLength, value) { IsModel = true }
            : new BodyEdit(_form.FirstBoundary, 0, (byte[])[.. Encoding.ASCII.GetBytes($"--{_boundary}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n"), .. value, .. "\r\n"u8]) { IsModel = true };
    }

    /// <inheritdoc/>
    public override void Reset() => _edit = null;

    /// <inheritdoc/>
    public override OutgoingBody OpenBody() => new UploadStream(_upload, _edit);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _upload.Dispose();

    private static async ValueTask<GatewayError?> ReadAsync(Stream source, byte[] buffer, MultipartScanner form, Upload upload, LimitOptions limits, CancellationToken cancellationToken)
    {
        // The server gives 4 KB at a time; the disk wants more at once.
        while (await source.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellationToken) is var read and > 0)
        {
            if (upload.Length + read > limits.Upload.Bytes)
            {
                return GatewayError.TooLarge(limits.Upload.Bytes, nameof(LimitOptions.Upload));
            }

            if (form.Feed(buffer.AsSpan(0, read)) is { } error)
            {
                return error;
            }

            await upload.AppendAsync(buffer.AsMemory(0, read), cancellationToken);
        }

        return null;
    }

    private byte[] Digest()
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
        for (long at = 0; at < _upload.Length;)
        {
            var read = _upload.Read(at, buffer);
            digest.AppendData(buffer, 0, read);
            at += read;
        }

        ArrayPool<byte>.Shared.Return(buffer);
        return digest.GetHashAndReset();
    }
}
