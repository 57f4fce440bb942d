namespace MlxGateway.Supervision.Runners.Kinds;

/// <summary>A form with a moment of silence in it, to ask whether a server that writes down what is said still works. All of it is ASCII, so that it can be kept as a text.</summary>
internal static class SilentForm
{
    private const string Boundary = "mlxgateway-silence";

    // 16 bits at 8192 Hz, one channel: 1/8 s.
    private const int Samples = 1024;

    /// <summary>The question.</summary>
    /// <param name="model">The model, by the words of the command line.</param>
    public static ReadyProbe Asks(string model) => new(HttpMethod.Post, "/v1/audio/transcriptions", Of(model))
    {
        ContentType = $"multipart/form-data; boundary={Boundary}",
        TakesAnyAnswer = true,
    };

    private static string Of(string model) => string.Join(
        "\r\n",
        $"--{Boundary}",
        "Content-Disposition: form-data; name=\"model\"",
        "",
        model,
        $"--{Boundary}",
        "Content-Disposition: form-data; name=\"file\"; filename=\"silence.wav\"",
        "Content-Type: audio/wav",
        "",
        Wave(),
        $"--{Boundary}--",
        "");

    private static string Wave() => "RIFF" + Number(36 + (2 * Samples)) + "WAVEfmt " + Number(16) + "\u0001\0\u0001\0" + Number(8192) + Number(16384) + "\u0002\0\u0010\0" + "data" + Number(2 * Samples) + new string('\0', 2 * Samples);

    // Little-endian. None of the numbers has a byte above 127.
    private static string Number(int value) => new([(char)(value & 0xFF), (char)((value >> 8) & 0xFF), (char)((value >> 16) & 0xFF), (char)((value >> 24) & 0xFF)]);
}
