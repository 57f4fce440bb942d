using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MlxGateway.Inference;
using MlxGateway.Inference.Bodies;
using Xunit;

namespace MlxGateway.Tests.Inference.Bodies;

/// <summary>Whatever bytes come, the scanner of forms finds what a splitter of the whole finds, and a spliced JSON body is what an edited document is. <c>MLXGATEWAY_TESTS_FUZZ=N</c> makes it N thousand inputs for each.</summary>
public sealed class BodyFuzzTests
{
    private static readonly int? Thousands = int.TryParse(Environment.GetEnvironmentVariable("MLXGATEWAY_TESTS_FUZZ"), CultureInfo.InvariantCulture, out var n) ? n : null;
    private static readonly int Inputs = (Thousands ?? 20) * 1000;
    private static readonly int Seed = Thousands ?? 20_260_103;

    private static readonly string[] Forms =
    [
        "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n\0\u0001\r\n-\r\n--b--\r\n",
        "x\r\n--b \t\r\n\r\nno headers\r\n--b\r\ncontent-disposition: form-data; name=model\r\nX: y\r\n\r\n\r\n--b--",
        "--b\r\nContent-Disposition: form-data; name=\"stream\"\r\n\r\ntrue\r\n--b--epilogue\r\n--b\r\n",
        "--b--",
    ];

    private static readonly string[] FormWords = ["\r", "\n", "\r\n", "\r\n\r\n", "--b", "\r\n--b", "\r\n--b--", "\r\n--b\r\n", "-", "\r\r\n--b", "name=\"model\"", "Content-Disposition: form-data; name=\"model\"\r\n\r\n", "; filename=x", "\0", "b"];

    private static readonly string[] Jsons =
    [
        """{"model":"m","messages":[{"role":"user","content":"hello"}],"stream":true}""",
        """{"messages":[{"x":{"model":"inner"}}],"model":"org/name:tag","t":0.7}""",
        "\uFEFF {\n \"prompt\" : \"\u20AC\" , \"model\" : null }\n",
        "{}",
    ];

    private static readonly string[] JsonWords = ["\"model\":\"x\",", "\"mod\\u0065l\":1,", "{", "}", "[", "]", ",", "\"", "\\", "null", "\"a\":{},", " ", "\uFEFF", "€"];

    [Fact]
    public void Forms_MutatedAndCut_AreReadAsASplitterOfTheWholeReadsThem()
    {
        var (taken, refused, named) = (0, 0, 0);
        var mutations = new Mutations(Seed, Forms, FormWords);
        for (var i = 0; i < Inputs; i++)
        {
            var bytes = mutations.Next();
            var scanner = new MultipartScanner("b");
            var error = default(GatewayError);
            foreach (var piece in Pieces.Cut(bytes, mutations.Random))
            {
                if ((error = scanner.Feed(piece.Span)) is not null)
                {
                    break;
                }
            }

            error ??= scanner.Complete();
            var text = Encoding.Latin1.GetString(bytes);
            var expected = Split(text);
            Assert.True(error is null == expected is not null, $"{error?.Message}: {text}");
            if (expected is not { } found)
            {
                refused++;
                continue;
            }

            taken++;
            named += found.Length >= 0 ? 1 : 0;
            Assert.True((found.First, found.Offset, Math.Max(found.Length, 0)) == (scanner.FirstBoundary, scanner.ModelOffset, scanner.ModelLength), text);
        }

        Assert.True(taken > Inputs / 20 && refused > Inputs / 20 && named > Inputs / 40, $"{taken} taken, {refused} refused, {named} with a model: the mutations try too little");
    }

    [Fact]
    public async Task Forms_MutatedAndSentOn_AreTheSameFormsWithAnotherModel()
    {
        var taken = 0;
        var mutations = new Mutations(Seed + 2, Forms, FormWords);
        var name = Encoding.UTF8.GetBytes("n€");
        for (var i = 0; i < Inputs; i++)
        {
            var bytes = mutations.Next();

            // Some on disk, in part or as a whole; not all of them, because that is slow.
            var limits = new LimitOptions { SpillAfter = new MlxGateway.Supervision.Models.ByteSize(i % 50 == 0 ? mutations.Random.Next(100) : 1 << 20) };
            var source = Pieces.Stream(bytes, mutations.Random);
            var (request, _) = await MultipartRequest.ReadAsync(source, "multipart/form-data; boundary=b", InferenceRoute.Transcriptions, limits, Path.GetTempPath(), TestContext.Current.CancellationToken);
            if (request is null)
            {
                continue;
            }

            using (request)
            {
                taken++;
                request.NameModel("n€");
                await using var body = request.OpenBody();
                var sent = new byte[body.Length];
                await body.ReadExactlyAsync(sent, TestContext.Current.CancellationToken);
                var text = Encoding.Latin1.GetString(bytes);
                var found = Split(text)!.Value;
                byte[] part = [.. "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n"u8, .. name, .. "\r\n"u8];
                byte[] expected = found.Length >= 0
                    ? [.. bytes.AsSpan(0, (int)found.Offset), .. name, .. bytes.AsSpan((int)(found.Offset + found.Length))]
                    : [.. bytes.AsSpan(0, (int)found.First), .. part, .. bytes.AsSpan((int)found.First)];
                Assert.True(expected.AsSpan().SequenceEqual(sent), text);

                // ... and whoever reads it finds that name.
                var (_, offset, length) = Split(Encoding.Latin1.GetString(sent))!.Value;
                Assert.True(sent.AsSpan((int)offset, (int)length).SequenceEqual(name), text);
            }
        }

        Assert.True(taken > Inputs / 20, $"{taken} taken: the mutations try too little");
    }

    [Fact]
    public async Task Bodies_MutatedAndSpliced_AreWhatAnEditedDocumentIs()
    {
        var taken = 0;
        var mutations = new Mutations(Seed + 1, Jsons, JsonWords);
        for (var i = 0; i < Inputs; i++)
        {
            var bytes = mutations.Next();
            var (request, _) = await ClientExchange.ReadAsync(bytes);
            if (request is null)
            {
                continue;
            }

            using (request)
            {
                request.NameModel("n\"");
                await using var sent = request.OpenBody();
                var spliced = new byte[sent.Length];
                await sent.ReadExactlyAsync(spliced, TestContext.Current.CancellationToken);
                try
                {
                    var options = new JsonDocumentOptions { MaxDepth = 512 };
                    var document = JsonNode.Parse(bytes.AsSpan().StartsWith("\uFEFF"u8) ? bytes.AsSpan(3) : bytes, documentOptions: options)!.AsObject();
                    document["model"] = "n\"";
                    Assert.True(JsonNode.DeepEquals(document, JsonNode.Parse(spliced, documentOptions: options)), Encoding.UTF8.GetString(bytes));
                    taken++;
                }
                catch (Exception e) when (e is ArgumentException or InvalidOperationException)
                {
                    // A name twice, or half a character: no document can be made of it, but JSON it stays.
                    using var json = JsonDocument.Parse(spliced, new JsonDocumentOptions { MaxDepth = 512 });
                }
            }
        }

        Assert.True(taken > Inputs / 20, $"{taken} taken: the mutations try too little");
    }

    // The same grammar over the whole text at once. Latin-1: a character is a byte.
    private static (long First, long Offset, long Length)? Split(string text)
    {
        var whole = "\r\n" + text;
        var at = whole.IndexOf("\r\n--b", StringComparison.Ordinal);
        if (at < 0)
        {
            return null;
        }

        var (first, offset, length, streams) = (at, -1L, -1L, 0);
        while (true)
        {
            at += 5;
            if (whole.AsSpan(at).StartsWith("--"))
            {
                return (first, offset, length);
            }

            var rest = whole.AsSpan(at).TrimStart(" \t");
            if (!rest.StartsWith("\r\n"))
            {
                return null;
            }

            var headersAt = whole.Length - rest.Length;
            var empty = whole.IndexOf("\r\n\r\n", headersAt, StringComparison.Ordinal);
            var next = empty < 0 ? -1 : whole.IndexOf("\r\n--b", empty + 4, StringComparison.Ordinal);
            if (next < 0)
            {
                return null;
            }

            var (name, isFile) = PartHeaders.Read(Encoding.Latin1.GetBytes(whole[(headersAt + 2)..(empty + 4)]));
            if (name is "model" or "stream")
            {
                var value = Encoding.Latin1.GetBytes(whole[(empty + 4)..next]);
                if (isFile || (name == "model" ? offset >= 0 : ++streams > 1) || !System.Text.Unicode.Utf8.IsValid(value) || value.Length > 4096)
                {
                    return null;
                }

                (offset, length) = name == "model" ? (empty + 4 - 2, value.Length) : (offset, length);
            }

            at = next;
        }
    }
}
