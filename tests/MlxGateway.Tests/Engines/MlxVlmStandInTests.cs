using System.ClientModel;
using System.Text.Json;
using MlxGateway.Tests.Support;
using OpenAI;
using OpenAI.Audio;
using OpenAI.Images;
using Xunit;

namespace MlxGateway.Tests.Engines;

/// <summary>Speech and images, of which there is no model small enough: <c>mlx_vlm.server</c> is played by a program that says what it was sent.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class MlxVlmStandInTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mlxgateway-standin-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task SpeechAndImages_OfTheOfficialClient_GoToTheOneModelAndComeBackAsTheyAre()
    {
        var (voice, painter) = (Model("voice", """{"model_type":"kokoro"}"""), Painter());
        await using var gateway = await Gateway.StartAsync(
            $$"""
            "voice": {"Source":"{{voice}}"}, "painter": {"Source":"{{painter}}"}
            """,
            $$"""
            "Engines":{"llama_server":{"Executable":"/nowhere/llama-server"},"mlx_lm":{"Python":"/nowhere/python3"},"mlx_vlm":{"Python":"{{Python()}}"} },"Residency":{"MaxResident":0}
            """);
        var client = new OpenAIClient(new ApiKeyCredential("any"), new OpenAIClientOptions { Endpoint = new Uri(gateway.Address, "/v1") });

        var spoken = await client.GetAudioClient("voice").GenerateSpeechAsync("hello", GeneratedSpeechVoice.Alloy, cancellationToken: TestContext.Current.CancellationToken);
        var image = await client.GetImageClient("painter").GenerateImageAsync("a cat", new ImageGenerationOptions { ResponseFormat = GeneratedImageFormat.Uri }, TestContext.Current.CancellationToken);

        // Bytes are nobody's to put right, though a name is among them.
        Assert.Equal([.. Enumerable.Range(0, 256).Select(i => (byte)i), .. System.Text.Encoding.UTF8.GetBytes(voice)], spoken.Value.ToArray());
        Assert.Equal("image"u8.ToArray(), image.Value.ImageBytes.ToArray());

        var (argv, sent) = await SentAsync(gateway, "voice");
        Assert.Equal(["--tts-model", voice, "--host", "127.0.0.1", "--port"], argv.Take(5));
        Assert.Equal("/v1/audio/speech", Assert.Single(sent).Path); // nothing was asked beforehand
        Assert.Equal((voice, "hello"), (sent[0].Body.GetProperty("model").GetString(), sent[0].Body.GetProperty("input").GetString()));

        // What would load another model, or write files here, does not arrive.
        var more = await gateway.PostAsync("/v1/images/generations", """{"model":"painter","prompt":"a dog","prompt_expansion_model":"other/model","output_path":"/tmp/x.png","output_dir":"/tmp","response_format":"path","seed":7}""");
        Assert.Equal(200, more.Status);
        (argv, sent) = await SentAsync(gateway, "painter");
        Assert.Equal(["--image-model", painter], argv.Take(2));
        Assert.Equal($$"""{"model":"{{painter}}","prompt":"a dog","seed":7}""", sent[1].Body.GetRawText().Replace(" ", "", StringComparison.Ordinal).Replace("adog", "a dog", StringComparison.Ordinal));

        var edit = await gateway.PostAsync("/v1/images/edits", """{"model":"painter","prompt":"a dog","image":"/etc/passwd"}""");
        Assert.Equal((404, "not_found"), (edit.Status, edit.Code));
        Assert.EndsWith("Model 'painter' makes images and does nothing else, so it has no /v1/images/edits. It offers /v1/images/generations.", edit.Message, StringComparison.Ordinal);
    }

    private static async Task<(IReadOnlyList<string> Argv, IReadOnlyList<(string Path, JsonElement Body)> Sent)> SentAsync(Gateway gateway, string model)
    {
        var said = (await gateway.GetAsync($"/upstream/{model}/sent")).Json;
        return ([.. said.GetProperty("argv").EnumerateArray().Select(a => a.GetString()!)], [.. said.GetProperty("sent").EnumerateArray().Select(s => (s[0].GetString()!, s[1]))]);
    }

    private string Python()
    {
        var path = Path.Combine(_folder.FullName, "python3");
        Scripts.Write(path, $$"""
            #!/bin/sh
            if [ "$1" = -c ]; then echo 'mlxgateway {"modules":{"mlx_vlm":{"version":"0.7.10","options":["--model","--tts-model","--image-model"]} } }'; exit; fi
            shift
            exec python3 '{{Path.Combine(AppContext.BaseDirectory, "Engines", "mlx_vlm_stand_in.py")}}' "$@"
            """);
        return path;
    }

    private string Model(string name, string config, string weights = "model.safetensors")
    {
        var folder = _folder.CreateSubdirectory(name).FullName;
        File.WriteAllText(Path.Combine(folder, name == "voice" ? "config.json" : "model_index.json"), config);
        var file = Path.Combine(folder, weights);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        var header = """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"""u8.ToArray();
        File.WriteAllBytes(file, [.. BitConverter.GetBytes((long)header.Length), .. header, 0, 0, 0, 0]);
        return folder;
    }

    private string Painter() => Model("painter", """{"_class_name":"QwenImagePipeline"}""", "transformer/diffusion_pytorch_model.safetensors");
}
