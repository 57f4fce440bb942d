using System.Globalization;
using System.Text;

namespace MlxGateway.Benchmarks;

/// <summary>What a client sends, head and body, as bytes: a body of 100 MB is in memory once.</summary>
internal static class LoadRequest
{
    private const string Boundary = "----benchmark7f3a";

    /// <summary>A request without a body.</summary>
    public static byte[] Get(Uri target, string path) => Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: {target.Authority}\r\nAuthorization: Bearer none\r\n\r\n");

    /// <summary>A chat of about <paramref name="size"/> bytes. Real clients put the model and the switches first; a large body is an image as base64 in a data URL.</summary>
    public static byte[] Chat(Uri target, string model, bool stream, int size)
    {
        var start = $$"""{"model":"{{model}}",{{(stream ? "\"stream\":true," : "")}}"messages":[{"role":"user","content":""";
        var content = size < 1 << 20
            ? ("\"", "\"}]}")
            : ("[{\"type\":\"text\",\"text\":\"What is this?\"},{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,", "\"}}]}]}");
        return Post(target, "/v1/chat/completions", "application/json", start + content.Item1, size, content.Item2);
    }

    /// <summary>A chat whose answer the upstream streams for so many tokens, one each <paramref name="gap"/> milliseconds.</summary>
    public static byte[] Stream(Uri target, string model, int tokens, int gap) => Post(
        target,
        "/v1/chat/completions",
        "application/json",
        string.Create(CultureInfo.InvariantCulture, $$"""{"model":"{{model}}","stream":true,"pace":{"tokens":{{tokens}},"gap":{{gap}}},"messages":[{"role":"user","content":"Count."}]}"""),
        0,
        "");

    /// <summary>A recording of about <paramref name="size"/> bytes to be written down. The field that names the model comes behind the file: nobody can know before where it is to go.</summary>
    public static byte[] Recording(Uri target, string model, int size) => Post(
        target,
        "/v1/audio/transcriptions",
        $"multipart/form-data; boundary={Boundary}",
        $"--{Boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"talk.wav\"\r\nContent-Type: audio/wav\r\n\r\n",
        size,
        $"\r\n--{Boundary}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n--{Boundary}--\r\n");

    private static byte[] Post(Uri target, string path, string type, string front, int size, string back)
    {
        var filler = Math.Max(0, size - front.Length - back.Length);
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $"POST {path} HTTP/1.1\r\nHost: {target.Authority}\r\nContent-Type: {type}\r\nAuthorization: Bearer none\r\nContent-Length: {front.Length + filler + back.Length}\r\n\r\n{front}");
        var request = new byte[head.Length + filler + back.Length];
        Encoding.ASCII.GetBytes(head, request);
        request.AsSpan(head.Length, filler).Fill((byte)'A');
        Encoding.ASCII.GetBytes(back, request.AsSpan(head.Length + filler));
        return request;
    }
}
