using System.IO.Compression;
using System.Text;
using Microsoft.AspNetCore.Http;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Tests.Inference.Bodies;

public sealed class ContentCodingTests
{
    private static readonly byte[] Body = Encoding.UTF8.GetBytes($$"""{"model":"m","x":"{{new string('€', 50_000)}}"}""");

    [Theory]
    [InlineData("gzip")]
    [InlineData("x-gzip")]
    [InlineData("GZip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("zstd")]
    [InlineData("identity")]
    [InlineData("gzip, br")]
    [InlineData("zstd,identity, gzip")]
    public async Task Read_EncodedBody_IsDecoded(string encodings)
    {
        var (request, error) = await ReadAsync(Encode(Body, encodings), encodings);

        Assert.Null(error);
        Assert.Equal(("m", Body.Length), (request!.Model, request.BodyLength));
        request.Dispose();
    }

    [Theory]
    [InlineData("compress")]
    [InlineData("gzip, sdch")]
    [InlineData("gzip, gzip, gzip, gzip")]
    public async Task Read_UnknownEncoding_IsRefusedWithWhatIsSupported(string encodings)
    {
        var (request, error) = await ReadAsync(Body, encodings);

        Assert.Null(request);
        Assert.Equal(415, error!.Status);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("zstd")]
    public async Task Read_CorruptBody_IsTheClientsMistake(string encoding)
    {
        var bad = await Assert.ThrowsAsync<BadHttpRequestException>(() => ReadAsync(Body, encoding));

        Assert.Equal(400, bad.StatusCode);
        Assert.Contains(encoding, bad.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    [InlineData("zstd")]
    public async Task Read_BodyCutShort_IsNeverTakenForWhole(string encoding)
    {
        var encoded = Encode(Body, encoding);
        try
        {
            var (request, error) = await ReadAsync(encoded[..(encoded.Length / 2)], encoding);
            Assert.Null(request);
            Assert.Equal(400, error!.Status);
        }
        catch (BadHttpRequestException bad)
        {
            Assert.Equal(400, bad.StatusCode);
        }
    }

    [Fact]
    public async Task Read_EncodedBytesThatBecomeNothing_EndAtTheLimit()
    {
        byte[] nothing = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        var many = Enumerable.Repeat(nothing, 100_000).SelectMany(static b => b).ToArray();

        var bad = await Assert.ThrowsAsync<BadHttpRequestException>(() => ReadAsync(many, "gzip", limit: 100_000));

        Assert.Equal(413, bad.StatusCode);
    }

    internal static async Task<(InferenceRequest? Request, GatewayError? Error)> ReadAsync(byte[] body, string encodings, long limit = 1 << 26)
    {
        var http = new DefaultHttpContext().Request;
        http.Body = new MemoryStream(body);
        http.Headers.ContentEncoding = encodings;
        return await RequestReader.ReadAsync(http, InferenceRoute.ChatCompletions, new LimitOptions { RequestBody = new ByteSize(limit) }, TestContext.Current.CancellationToken);
    }

    internal static byte[] Encode(byte[] body, string encodings)
    {
        foreach (var encoding in encodings.Split(',', StringSplitOptions.TrimEntries))
        {
            var encoded = new MemoryStream();
            using (Stream encoder = encoding.ToUpperInvariant() switch
            {
                "GZIP" or "X-GZIP" => new GZipStream(encoded, CompressionLevel.Fastest, leaveOpen: true),
                "DEFLATE" => new ZLibStream(encoded, CompressionLevel.Fastest, leaveOpen: true),
                "BR" => new BrotliStream(encoded, CompressionLevel.Fastest, leaveOpen: true),
                "ZSTD" => new ZstdSharp.CompressionStream(encoded, 1, leaveOpen: true),
                _ => new BufferedStream(encoded),
            })
            {
                encoder.Write(body);
                encoder.Flush();
            }

            body = encoded.ToArray();
        }

        return body;
    }
}
