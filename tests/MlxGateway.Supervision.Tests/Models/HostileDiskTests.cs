using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Extensions.DependencyInjection;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

/// <summary>What may lie on a disk without anybody having meant harm, and what may if somebody does: nothing of it ends or holds up a look.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class HostileDiskTests : IDisposable
{
    private const int Patience = 60_000;
    private readonly TemporaryFolder _folder = new();

    public void Dispose()
    {
        if (Directory.Exists(_folder.In("models/locked")))
        {
            File.SetUnixFileMode(_folder.In("models/locked"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        _folder.Dispose();
    }

    [Fact(Timeout = Patience)]
    public async Task Pipes_WhereFilesAreExpected_AreNotWaitedFor()
    {
        foreach (var path in new[]
        {
            "models/a.gguf", "models/mlx/config.json", "models/mlx/model.safetensors", "home/.lmstudio/settings.json", "home/.lmstudio-home-pointer",
            "home/.ollama/models/manifests/registry.ollama.ai/library/x/latest", "home/.cache/huggingface/hub/models--org--x/refs/main",
        })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(_folder.In(path))!);
            Assert.Equal(0, MakePipe(_folder.In(path), 0x1B6));
        }

        Assert.Equal(["good"], await LookAsync());
    }

    [Fact(Timeout = Patience)]
    public async Task Links_ThatLeadInCirclesAndNowhere_AreFollowedOnce()
    {
        Directory.CreateDirectory(_folder.In("models/sub"));
        Directory.CreateSymbolicLink(_folder.In("models/sub/up"), "..");
        Directory.CreateSymbolicLink(_folder.In("models/root"), "/");
        Directory.CreateSymbolicLink(_folder.In("models/self"), "self");
        File.CreateSymbolicLink(_folder.In("models/loop.gguf"), "loop.gguf");
        File.CreateSymbolicLink(_folder.In("models/zero.gguf"), "/dev/zero");
        Directory.CreateDirectory(_folder.Cache);
        Directory.CreateSymbolicLink(Path.Combine(_folder.Cache, "models--org--x"), ".");
        Directory.CreateSymbolicLink(_folder.In("home/.ollama"), ".");

        Assert.Contains("good", await LookAsync());
    }

    [Fact(Timeout = Patience)]
    public async Task Folder_ThatNobodyMayRead_HidesNothingElse()
    {
        _folder.Write("models/locked/x.gguf", 1); // root sees it nevertheless, as no model
        File.SetUnixFileMode(_folder.In("models/locked"), UnixFileMode.None);

        Assert.Contains("good", await LookAsync());
    }

    [Fact(Timeout = Patience)]
    public async Task Folder_OfMoreFilesThanAnybodyHasModels_IsNotLookedThroughToItsEnd()
    {
        Directory.CreateDirectory(_folder.In("photographs"));
        for (var i = 0; i < 21_000; i++)
        {
            File.CreateSymbolicLink(_folder.In($"photographs/{i}.gguf"), "x"); // the cheapest thing to make
        }

        Assert.Equal(["good"], await LookAsync("photographs"));
        Assert.Empty(DiskSurvey.Of([new ModelPlace(_folder.In("photographs"), 5, static _ => false)]).Watchable);
        var walk = FileWalk.From(_folder.In("photographs"), 5, static _ => true);
        Assert.True(walk.IsCutShort);
        Assert.InRange(walk.Folders.Sum(at => at.Files.Count), 1, 20_000);
    }

    [Fact(Timeout = Patience)]
    public async Task Names_ThatCannotBeSaid_AreNoModels()
    {
        _folder.Write("models/new\nline.gguf", TinyModels.Gguf());
        _folder.Write("models/escape\u001b[31m.gguf", TinyModels.Gguf());
        _folder.Write("models/ .gguf", TinyModels.Gguf());
        _folder.Write("models/-switch.gguf", TinyModels.Gguf());
        _folder.Write("models/x-00001-of-99999.gguf", TinyModels.Gguf());
        _folder.Write("home/.lmstudio/models/a\nb/c/x.gguf", TinyModels.Gguf());
        byte[] notUtf8 = [.. System.Text.Encoding.UTF8.GetBytes(_folder.In("models/")), 0xFF, 0xFE, 0];
        Assert.Equal(0, MakeFolder(notUtf8, 0x1FF));

        var found = await LookAsync();
        Assert.Equal(0, RemoveFolder(notUtf8)); // .NET could not

        Assert.Equal(["good", "x-00001-of-99999"], found);
    }

    [Fact(Timeout = Patience)]
    public async Task Files_ThatVanishWhileTheyAreLookedAt_EndNoLook()
    {
        using var over = new CancellationTokenSource();
        var vanishing = Task.Run(
            () =>
            {
                while (!over.IsCancellationRequested)
                {
                    _folder.Write("models/sub/here.gguf", TinyModels.Gguf());
                    _folder.Write("models/mlx/config.json", TinyModels.Config);
                    _folder.Write("models/mlx/model.safetensors", TinyModels.Safetensors("a"));
                    Directory.Delete(_folder.In("models/mlx"), recursive: true);
                    Directory.Delete(_folder.In("models/sub"), recursive: true);
                }
            },
            TestContext.Current.CancellationToken);
        for (var i = 0; i < 100; i++)
        {
            Assert.Contains("good", await LookAsync());
        }

        await over.CancelAsync();
        await vanishing;
    }

    private async Task<IReadOnlyList<string>> LookAsync(params string[] more)
    {
        _folder.Write("models/good.gguf", TinyModels.Gguf());
        var settings = _folder.Settings(folders: ["models", .. more], offered: ["llama_server", "mlx_lm"]);
        var catalog = new ServiceCollection().AddLogging().AddModels().BuildServiceProvider().GetRequiredService<ModelCatalog>();
        return await Task.Run(
            () =>
            {
                Assert.True(catalog.TryAdopt(settings, new SettingsErrors()));
                _ = DiskSurvey.Of(ModelPlaces.Of(settings)).HasChanged();
                return catalog.Rebuild().Models.Select(model => model.Id).ToList();
            },
            TestContext.Current.CancellationToken);
    }

    [DllImport("libc", EntryPoint = "mkfifo")]
    private static extern int MakePipe([MarshalAs(UnmanagedType.LPUTF8Str)] string path, uint mode);

    [DllImport("libc", EntryPoint = "rmdir")]
    private static extern int RemoveFolder(byte[] path);

    [DllImport("libc", EntryPoint = "mkdir")]
    private static extern int MakeFolder(byte[] path, uint mode);
}
