using System.Text;
using Microsoft.AspNetCore.Http;
using MlxGateway.Inference;
using MlxGateway.Supervision.Models;
using Xunit;

namespace MlxGateway.Tests.Inference.Bodies;

public sealed class MultipartRequestTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlxgateway-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData("multipart/form-data; boundary=b")]
    [InlineData("Multipart/Form-Data; charset=utf-8; Boundary=\"b\"; x=y")]
    [InlineData("multipart/form-data;boundary=b ; x=y")]
    public async Task Read_BoundaryInAnyForm_IsFound(string contentType)
    {
        var (request, error) = await ReadAsync(Field("model", "whisper") + "--b--\r\n", contentType);

        Assert.Null(error);
        Assert.Equal("whisper", request!.Model);
        Assert.Equal(contentType, request.ContentType);
        request.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(1 << 20)]
    public async Task NameModel_WhereverTheFieldIs_ChangesItsValueAndNothingElse(int spillAfter)
    {
        var text = Part("file\"; filename=\"a.wav", new string('\r', 70_000) + "\n--") + Part("language", "de");
        foreach (var form in new[] { Field("model", "old") + text, text + Field("model", "old"), "preamble\r\n" + text + Field("model", "old") + "--b--\r\nepilogue \r\n--b\r\n" })
        {
            var body = form.Contains("--b--", StringComparison.Ordinal) ? form : form + "--b--";
            var (request, error) = await ReadAsync(body, spillAfter: spillAfter);
            Assert.Null(error);
            request!.NameModel("overruled");
            request.NameModel("org/näme");
            foreach (var size in new[] { 1, 999, 1 << 20 })
            {
                Assert.Equal(body.Replace("\r\n\r\nold\r\n", "\r\n\r\norg/näme\r\n", StringComparison.Ordinal), await SentAsync(request, size));
            }

            request.Reset();
            Assert.Equal(body, await SentAsync(request, 999));
            request.Dispose();
            Assert.Empty(_folder.GetFiles());
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("preamble\r\n")]
    public async Task NameModel_FormWithoutOne_GetsAPartMore(string preamble)
    {
        var (request, _) = await ReadAsync(preamble + Part("language", "de") + "--b--\r\n");

        Assert.Null(request!.Model);
        request.NameModel("m");
        Assert.Equal(preamble + Field("model", "m") + Part("language", "de") + "--b--\r\n", await SentAsync(request, 50));
        request.Dispose();
    }

    [Theory]
    [InlineData("multipart/form-data", "--b--", "boundary")]
    [InlineData("multipart/form-data; boundary=\"b", "--b--", "boundary")]
    [InlineData("multipart/form-data; boundary=b", "", null)]
    [InlineData("multipart/form-data; boundary=b", "nothing of the kind", null)]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b", null)]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--bb\r\n\r\n\r\n--b--", null)]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b\r\nContent-Disposition: form-data; name=model\r\n\r\nm\r\n--b--", "model")]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"model\"; filename=\"x\"\r\n\r\nm\r\n--b--", "model")]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n\u00FF\r\n--b--", "model")]
    public async Task Read_BrokenForm_IsRefusedAndLeavesNothing(string contentType, string body, string? param)
    {
        var (request, error) = await ReadAsync(Encoding.Latin1.GetBytes(body), contentType, spillAfter: 0);

        Assert.Null(request);
        Assert.Equal((400, "invalid_request", param), (error!.Status, error.Code, error.Param));
        Assert.Empty(_folder.GetFiles());
    }

    [Fact]
    public async Task Read_OverTheLimitOfUploads_IsRefusedWithItsName()
    {
        var (request, error) = await ReadAsync(Part("file", new string('x', 200_000)) + "--b--", limit: 100_000);

        Assert.Null(request);
        Assert.Equal(413, error!.Status);
        Assert.Contains("Limits:Upload", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_FolderThatCannotBe_IsSaid()
    {
        var blocked = Path.Combine(_folder.FullName, "file");
        await File.WriteAllTextAsync(blocked, "", TestContext.Current.CancellationToken);
        var (request, error) = await ReadAsync(Encoding.UTF8.GetBytes(Field("model", "m") + "--b--"), spillAfter: 0, folder: blocked);

        Assert.Null(request);
        Assert.Equal((507, "upload_not_kept"), (error!.Status, error.Code));
    }

    [Theory]
    [InlineData("true", true)]
    [InlineData("1", true)]
    [InlineData("false", false)]
    public async Task Stream_InAForm_CountsWhereTheRouteStreams(string value, bool streams)
    {
        var body = Encoding.UTF8.GetBytes(Field("stream", value) + "--b--");
        var (request, _) = await ReadAsync(body, route: new InferenceRoute("/x", StreamShape.Chat, RequestForm.Upload));
        var (other, _) = await ReadAsync(body);

        Assert.Equal((streams, false), (request!.Stream, other!.Stream));
        request.Dispose();
        other.Dispose();
    }

    [Fact]
    public async Task Identity_SameBytes_IsTheSameAndEveryByteCounts()
    {
        var (a, _) = await ReadAsync(Part("f", "1") + "--b--", spillAfter: 10);
        var (b, _) = await ReadAsync(Part("f", "1") + "--b--");
        var (c, _) = await ReadAsync(Part("f", "2") + "--b--");

        Assert.Equal(a!.IdentityFor("m"), b!.IdentityFor("m"));
        Assert.NotEqual(a.IdentityFor("m"), c!.IdentityFor("m"));
        Assert.NotEqual(a.IdentityFor("m"), a.IdentityFor("n"));
        a.Dispose();
        b.Dispose();
        c.Dispose();
    }

    private static string Part(string name, string value) => $"--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n";

    private static string Field(string name, string value) => Part(name, value);

    private static async Task<string> SentAsync(InferenceRequest request, int size)
    {
        await using var body = request.OpenBody();
        var sent = new MemoryStream();
        await body.CopyToAsync(sent, size, TestContext.Current.CancellationToken);
        Assert.Equal(body.Length, sent.Length);
        return Encoding.UTF8.GetString(sent.ToArray());
    }

    private Task<(InferenceRequest? Request, GatewayError? Error)> ReadAsync(string body, string? contentType = null, long spillAfter = 1 << 20, long limit = 1 << 30, string boundary = "b") =>
        ReadAsync(Encoding.UTF8.GetBytes(body), contentType ?? $"multipart/form-data; boundary={boundary}", spillAfter, limit);

    private async Task<(InferenceRequest? Request, GatewayError? Error)> ReadAsync(byte[] body, string contentType = "multipart/form-data; boundary=b", long spillAfter = 1 << 20, long limit = 1 << 30, string? folder = null, InferenceRoute? route = null)
    {
        var http = new DefaultHttpContext().Request;
        http.Body = new MemoryStream(body);
        http.ContentType = contentType;
        var limits = new LimitOptions { Upload = new ByteSize(limit), SpillAfter = new ByteSize(spillAfter) };
        return await RequestReader.ReadAsync(http, route ?? InferenceRoute.Transcriptions, limits, folder ?? _folder.FullName, TestContext.Current.CancellationToken);
    }
}
