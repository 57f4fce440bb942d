using System.Buffers;
using System.Net;
using System.Text;

namespace MlxGateway.Benchmarks;

/// <summary>The runner behind both contenders: reads the body and gives a small answer at once, so that what is measured is the way to it.</summary>
internal static class Upstream
{
    private const int Chunks = 16;

    private static readonly byte[] Whole = Encoding.ASCII.GetBytes(
        """{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"bench","choices":[{"index":0,"message":{"role":"assistant","content":"Hello there, this is the answer."},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":7,"total_tokens":14}}""");

    private static readonly byte[] Chunk = Event("""{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}""");
    private static readonly byte[] Finish = Event("""{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}""");
    private static readonly byte[] Done = Event("[DONE]");
    private static readonly byte[] StreamField = Encoding.ASCII.GetBytes("\"stream\":true");

    /// <summary>Serves on 127.0.0.1 until it is killed.</summary>
    public static async Task<int> RunAsync(Arguments arguments)
    {
        await using var app = BareServer.Build(arguments.Number("port", 0));
        arguments.NoMore();
        app.Run(ServeAsync);
        await app.RunAsync();
        return 0;
    }

    private static async Task ServeAsync(HttpContext context)
    {
        if (context.Request.Method != "POST")
        {
            await SendAsync(context, """{"object":"list","data":[{"id":"bench","object":"model"}]}"""u8.ToArray());
        }
        else if (await ReadBodyAsync(context.Request))
        {
            context.Response.ContentType = "text/event-stream";
            for (var i = 0; i < Chunks; i++)
            {
                await context.Response.BodyWriter.WriteAsync(Chunk);
            }

            await context.Response.BodyWriter.WriteAsync(Finish);
            await context.Response.BodyWriter.WriteAsync(Done);
        }
        else
        {
            await SendAsync(context, Whole);
        }
    }

    /// <summary>Reads all of the body and says whether it asks for a stream; the field is looked for in its beginning only.</summary>
    private static async Task<bool> ReadBodyAsync(HttpRequest request)
    {
        bool? stream = null;
        while (true)
        {
            var read = await request.BodyReader.ReadAsync();
            stream ??= new SequenceReader<byte>(read.Buffer).TryReadTo(out ReadOnlySequence<byte> _, StreamField);
            request.BodyReader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return stream.Value;
            }
        }
    }

    private static Task SendAsync(HttpContext context, byte[] body)
    {
        context.Response.StatusCode = (int)HttpStatusCode.OK;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body).AsTask();
    }

    private static byte[] Event(string data) => Encoding.ASCII.GetBytes($"data: {data}\n\n");
}
