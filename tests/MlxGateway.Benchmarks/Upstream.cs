using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.IO.Pipelines;
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
    private static readonly byte[] PaceField = Encoding.ASCII.GetBytes("\"pace\":{\"tokens\":");
    private static readonly byte[] GapField = Encoding.ASCII.GetBytes(",\"gap\":");
    private static readonly byte[] Timed = Encoding.ASCII.GetBytes($$"""data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"bench","choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}],{{PacedStream.Clock}}""");

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
        else if (await ReadBodyAsync(context.Request) is not { Stream: true } ask)
        {
            await SendAsync(context, Whole);
        }
        else
        {
            context.Response.ContentType = "text/event-stream";
            if (ask.Tokens > 0)
            {
                await SendPacedAsync(context.Response.BodyWriter, ask);
            }

            for (var i = 0; i < Chunks && ask.Tokens == 0; i++)
            {
                await context.Response.BodyWriter.WriteAsync(Chunk);
            }

            await context.Response.BodyWriter.WriteAsync(Finish);
            await context.Response.BodyWriter.WriteAsync(Done);
        }
    }

    /// <summary>Each token by itself, with the clock of the moment in it: on Linux and macOS it is the same one in every process.</summary>
    private static async Task SendPacedAsync(PipeWriter body, Ask ask)
    {
        using var beat = new PeriodicTimer(TimeSpan.FromMilliseconds(ask.Gap));
        for (var i = 0; i < ask.Tokens; i++)
        {
            await beat.WaitForNextTickAsync();
            Write(body);
            await body.FlushAsync();
        }
    }

    private static void Write(PipeWriter body)
    {
        var buffer = body.GetSpan(Timed.Length + 32);
        Timed.CopyTo(buffer);
        Utf8Formatter.TryFormat(Stopwatch.GetTimestamp(), buffer[Timed.Length..], out var digits);
        "}\n\n"u8.CopyTo(buffer[(Timed.Length + digits)..]);
        body.Advance(Timed.Length + digits + 3);
    }

    /// <summary>Reads all of the body and finds what it asks for; the fields are looked for in its beginning only.</summary>
    private static async Task<Ask> ReadBodyAsync(HttpRequest request)
    {
        Ask? ask = null;
        while (true)
        {
            var read = await request.BodyReader.ReadAsync();
            ask ??= Find(read.Buffer);
            request.BodyReader.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return ask.Value;
            }
        }
    }

    private static Ask Find(in ReadOnlySequence<byte> front)
    {
        var reader = new SequenceReader<byte>(front);
        if (!reader.TryReadTo(out ReadOnlySequence<byte> _, StreamField))
        {
            return default;
        }

        return new Ask(true, Number(ref reader, PaceField), Number(ref reader, GapField));
    }

    private static int Number(ref SequenceReader<byte> reader, byte[] field) =>
        reader.TryReadTo(out ReadOnlySequence<byte> _, field) && Utf8Parser.TryParse(reader.UnreadSpan, out int number, out _) ? number : 0;

    private static Task SendAsync(HttpContext context, byte[] body)
    {
        context.Response.StatusCode = (int)HttpStatusCode.OK;
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body).AsTask();
    }

    private static byte[] Event(string data) => Encoding.ASCII.GetBytes($"data: {data}\n\n");

    /// <summary>What a request wants.</summary>
    /// <param name="Stream">A stream.</param>
    /// <param name="Tokens">Of so many tokens; 0: of the usual ones, as fast as they can be written.</param>
    /// <param name="Gap">One each so many milliseconds.</param>
    private readonly record struct Ask(bool Stream, int Tokens, int Gap);
}
