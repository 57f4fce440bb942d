using System.Security.Cryptography;
using System.Text;
using System.Text.Unicode;
using Microsoft.Net.Http.Headers;

namespace MlxGateway.Inference.Uploads;

/// <summary>A form with files. Only the model's name is changed in it; everything else goes on byte for byte.</summary>
internal sealed class MultipartRequest : InferenceRequest
{
    private const int LongestBoundary = 70; // RFC 2046, 5.1.1

    private readonly SpilledBody _body;
    private readonly FormField? _model;
    private readonly string _boundary;
    private readonly byte[] _digest;
    private byte[]? _name;

    private MultipartRequest(InferenceRoute route, SpilledBody body, string contentType, string boundary, FormField? model, byte[] digest)
        : base(route)
    {
        _body = body;
        _model = model;
        _boundary = boundary;
        _digest = digest;
        ContentType = contentType;
        Model = model is null ? null : Encoding.UTF8.GetString(model.Value);
    }

    /// <inheritdoc/>
    public override string? Model { get; }

    /// <inheritdoc/>
    public override long BodyLength => _body.Length;

    /// <inheritdoc/>
    public override string? ContentType { get; }

    /// <summary>Whether the body is a form with parts.</summary>
    public static bool IsForm(string? contentType) => contentType?.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>Reads and checks the form. Exactly one of the two results is there.</summary>
    public static async ValueTask<(InferenceRequest? Request, GatewayError? Error)> ReadAsync(string contentType, Stream source, long? length, InferenceRoute route, LimitOptions limits, CancellationToken cancellationToken)
    {
        if (!MediaTypeHeaderValue.TryParse(contentType, out var type) || HeaderUtilities.RemoveQuotes(type.Boundary).Value is not { Length: > 0 and <= LongestBoundary } boundary)
        {
            return (null, GatewayError.InvalidRequest("The Content-Type says that the body is a form, and names no boundary of its parts (1 to 70 characters)."));
        }

        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var scanner = new MultipartScanner(boundary, static name => name == "model");
        var body = await SpilledBody.ReadAsync(source, length, limits.Upload.Bytes, (int)limits.SpillAfter.Bytes, Look, cancellationToken);
        if (body is null)
        {
            return (null, scanner.Fault is { } fault ? Broken(fault) : GatewayError.TooLarge(limits.Upload, "Limits:Upload"));
        }

        var error = !scanner.IsComplete ? Broken("its last boundary is missing")
            : scanner.Fields.Count > 1 ? GatewayError.InvalidRequest("The form names 'model' twice.", "model")
            : scanner.Fields is [var field] && !Utf8.IsValid(field.Value) ? GatewayError.InvalidRequest("The field 'model' is not valid UTF-8.", "model")
            : null;
        if (error is not null)
        {
            body.Dispose();
            return (null, error);
        }

        return (new MultipartRequest(route, body, contentType, boundary, scanner.Fields.Count == 0 ? null : scanner.Fields[0], digest.GetHashAndReset()), null);

        bool Look(ReadOnlyMemory<byte> piece)
        {
            digest.AppendData(piece.Span);
            return scanner.Read(piece.Span);
        }
    }

    /// <inheritdoc/>
    public override string IdentityFor(string model) => $"{Route.Path}\n{model}\n{Convert.ToHexString(_digest)}";

    /// <inheritdoc/>
    public override void NameModel(string name) => _name = Encoding.UTF8.GetBytes(name.ReplaceLineEndings(" "));

    /// <inheritdoc/>
    public override OutgoingBody OpenBody() => new UploadStream(_body, _name is null ? [] : [
        _model is { } field
            ? new BodyEdit(field.Offset, field.Value.Length, _name)
            : new BodyEdit(0, 0, (byte[])[.. Encoding.UTF8.GetBytes($"--{_boundary}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n"), .. _name, .. "\r\n"u8])]);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _body.Dispose();

    private static GatewayError Broken(string what) => GatewayError.InvalidRequest($"The body is not the form that its Content-Type says: {what}.");
}
