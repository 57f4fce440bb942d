using System.Globalization;
using MlxGateway.Supervision.Downloads;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Settings;
using MlxGateway.Supervision.Tests.Models.Facts;
using MlxGateway.Supervision.Tests.Processes;
using MlxGateway.Tests.Support;
using Xunit;

namespace MlxGateway.Supervision.Tests.Downloads;

/// <summary>Models are fetched by the real <c>huggingface_hub</c> of an engine's Python, from a stand-in of the Hub.</summary>
public sealed class ModelDownloadsTests(HubClient client) : IClassFixture<HubClient>
{
    private static readonly byte[] Weights = Noise(3_000_000);

    private static HubFile Large(string name, byte[]? bytes = null) => new(name, bytes ?? Weights) { IsLarge = true };

    private static HubFile[] Mlx(byte[]? weights = null) => [new("README.md", "# words"), new("config.json", """{"model_type":"llama"}"""), new("tokenizer.json", "{}"), Large("model.safetensors", weights)];

    [Fact]
    public async Task Download_WholeModel_LiesInTheCacheAsTheHubsOwnToolsPutItAndIsInTheCatalogAtOnce()
    {
        await using var bench = await DownloadBench.StartAsync(client);
        bench.Hub.Add("org/mlx", [.. Mlx(), Large("pytorch_model.bin"), Large("onnx/model.onnx"), Large("consolidated.safetensors"), new("original/params.json", "{}")]);

        var status = await bench.FetchAsync("org/mlx");

        Assert.Equal("", status.Error ?? "");
        Assert.Equal(DownloadState.Succeeded, status.State);
        Assert.Equal((status.Total, "org/mlx"), (status.Done, status.Model));
        Assert.Equal(Weights.Length + 2 + 22, status.Total!.Value.Bytes);
        var commit = await File.ReadAllTextAsync(bench.In("org/mlx", "refs/main"), TestContext.Current.CancellationToken);
        var snapshot = bench.In("org/mlx", $"snapshots/{commit}");
        Assert.Equal(["config.json", "model.safetensors", "tokenizer.json"], Directory.GetFiles(snapshot).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal($"../../blobs/{Large("x").Sha256}", new FileInfo(Path.Combine(snapshot, "model.safetensors")).LinkTarget);
        Assert.Equal($"../../blobs/{new HubFile("x", "{}").GitHash}", new FileInfo(Path.Combine(snapshot, "tokenizer.json")).LinkTarget);
        Assert.Equal(Weights, await File.ReadAllBytesAsync(Path.Combine(snapshot, "model.safetensors"), TestContext.Current.CancellationToken));
        Assert.DoesNotContain(Directory.GetFiles(bench.In("org/mlx", "blobs")), file => file.EndsWith(".incomplete", StringComparison.Ordinal));
        Assert.Null(bench.Catalog.Current.Resolve("org/mlx")!.Missing);
        Assert.All(bench.Hub.Requests, request => Assert.Equal("", request.Authorization));

        // ... and once more: nothing comes that is here.
        var asked = bench.Hub.Requests.Count;
        Assert.Equal(DownloadState.Succeeded, (await bench.FetchAsync("org/mlx")).State);
        Assert.Single(bench.Hub.Requests.Skip(asked));
    }

    [Fact]
    public async Task Download_IsCancelled_LeavesNoProcessAndGoesOnWhereItWas()
    {
        await using var bench = await DownloadBench.StartAsync(client);
        bench.Hub.Add("org/mlx", Mlx());
        bench.Hub.Fault = new HubFault { After = 2_000_000, Holds = true };
        bench.Downloads.Start("org/mlx");
        var coming = await bench.UntilAsync("org/mlx", s => s.Done.Bytes > 1_500_000);
        Assert.Equal((DownloadState.Running, "model.safetensors"), (coming.State, coming.File));

        Assert.True(bench.Downloads.Cancel("org/mlx"));

        Assert.Equal(DownloadState.Cancelled, (await bench.UntilAsync("org/mlx", s => s.IsOver)).State);
        Assert.False(bench.Downloads.Cancel("org/mlx"));
        Assert.DoesNotContain(Household.Table.All(), p => CommandLine(p.Pid).Contains("hub_download.py", StringComparison.Ordinal) && CommandLine(p.Pid).Contains(bench.In("org/mlx", ".."), StringComparison.Ordinal));
        var left = new FileInfo(bench.In("org/mlx", $"blobs/{Large("x").Sha256}.incomplete")).Length;
        Assert.InRange(left, 1_500_000, 2_000_000);
        Assert.NotNull(bench.Catalog.Rebuild().Resolve("org/mlx")?.Missing);

        bench.Hub.Fault = null;
        Assert.Equal(DownloadState.Succeeded, (await bench.FetchAsync("org/mlx")).State);
        Assert.Equal($"bytes={left}-", bench.Hub.Requests[^1].Range);
        Assert.Equal(Weights, await File.ReadAllBytesAsync(bench.In("org/mlx", $"blobs/{Large("x").Sha256}"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Download_LineBreaksInTheMiddle_GoesOnBehindWhatCame()
    {
        await using var bench = await DownloadBench.StartAsync(client, attempts: 8);
        bench.Hub.Add("org/mlx", Mlx()).Busy = 2;
        bench.Hub.Fault = new HubFault
        {
            After = 600_000,
            Breaks = 4,

            // What is on the way when a line breaks is lost, and could be all of it.
            BeforeBreak = from => bench.UntilAsync("org/mlx", s => s.Total is { } total && s.Done.Bytes - (total.Bytes - Weights.Length) > from),
        };

        var status = await bench.FetchAsync("org/mlx");

        Assert.Equal("", status.Error ?? "");
        Assert.Equal(DownloadState.Succeeded, status.State);
        var ranges = bench.Hub.Requests.Where(r => r.Path.EndsWith("/model.safetensors", StringComparison.Ordinal)).Select(r => r.Range).ToList();
        Assert.Equal(5, ranges.Count);
        Assert.Equal("", ranges[0]);
        var begins = ranges.Select(r => r.Length == 0 ? 0 : int.Parse(r["bytes=".Length..^1], CultureInfo.InvariantCulture)).ToList();
        Assert.Equal(begins.Distinct().Order(), begins);
        Assert.InRange(begins[^1], 1, 4 * 600_000);
        Assert.Equal(Weights, await File.ReadAllBytesAsync(bench.In("org/mlx", $"blobs/{Large("x").Sha256}"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Download_LineStaysBroken_IsGivenUpAndKeepsWhatCame()
    {
        await using var bench = await DownloadBench.StartAsync(client);
        bench.Hub.Add("org/mlx", Mlx());
        bench.Hub.Fault = new HubFault { After = 0, Breaks = int.MaxValue };

        var status = await bench.FetchAsync("org/mlx");

        Assert.Equal((DownloadState.Failed, "hub_unreachable"), (status.State, status.Code));
        Assert.Contains("while model.safetensors came, 3 times in a row", status.Error, StringComparison.Ordinal);
        Assert.Equal(3, bench.Hub.Requests.Count(r => r.Path.EndsWith("/model.safetensors", StringComparison.Ordinal)));
        Assert.True(File.Exists(bench.In("org/mlx", "snapshots/0123456789abcdef0123456789abcdef01234567/config.json")));
        Assert.False(File.Exists(bench.In("org/mlx", "refs/main")));
    }

    [Fact]
    public async Task Download_HashIsWrong_IsRemovedAndNamed()
    {
        await using var bench = await DownloadBench.StartAsync(client);
        var wrong = new string('a', 64);
        bench.Hub.Add("org/mlx", [new("config.json", "{}"), Large("model.safetensors") with { Sha256 = wrong }]);

        var status = await bench.FetchAsync("org/mlx");

        Assert.Equal((DownloadState.Failed, "hub_checksum"), (status.State, status.Code));
        Assert.Contains($"model.safetensors came with the SHA-256 {Large("x").Sha256}, and the Hub says {wrong}", status.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFiles(bench.In("org/mlx", "blobs")), file => Path.GetFileName(file).StartsWith("aaaa", StringComparison.Ordinal));
        Assert.NotNull(bench.Catalog.Rebuild().Resolve("org/mlx") is { } model ? model.Missing : "");
    }

    [Fact]
    public async Task Download_WhatWasLeftIsDamaged_ComesAnew()
    {
        await using var bench = await DownloadBench.StartAsync(client);
        bench.Hub.Add("org/mlx", Mlx());
        Directory.CreateDirectory(bench.In("org/mlx", "blobs"));
        await File.WriteAllBytesAsync(bench.In("org/mlx", $"blobs/{Large("x").Sha256}.incomplete"), new byte[1_000_000], TestContext.Current.CancellationToken);

        Assert.Equal(DownloadState.Succeeded, (await bench.FetchAsync("org/mlx")).State);

        Assert.Equal(["bytes=1000000-", ""], bench.Hub.Requests.Where(r => r.Path.EndsWith("/model.safetensors", StringComparison.Ordinal)).Select(r => r.Range));
        Assert.Equal(Weights, await File.ReadAllBytesAsync(bench.In("org/mlx", $"blobs/{Large("x").Sha256}"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Start_SameModelTwiceAndAnother_JoinsTheFirstAndTheOtherWaits()
    {
        await using var bench = await DownloadBench.StartAsync(client);
        bench.Hub.Add("org/mlx", Mlx());
        bench.Hub.Add("org/other", Mlx(Noise(1000)));
        bench.Hub.Fault = new HubFault { After = 100_000, Holds = true };
        bench.Downloads.Start("org/mlx");
        bench.Downloads.Start("org/other");
        bench.Downloads.Start("org/mlx");
        await bench.UntilAsync("org/mlx", s => s.File == "model.safetensors");

        Assert.Equal([("org/mlx", DownloadState.Running), ("org/other", DownloadState.Waiting)], bench.Downloads.Current.Select(s => (s.Id, s.State)));

        bench.Hub.Fault.Release();
        Assert.Equal(DownloadState.Succeeded, (await bench.UntilAsync("org/other", s => s.IsOver)).State);
        Assert.Equal(["org/mlx", "org/other"], bench.Hub.Requests.Where(r => r.Path.StartsWith("/api/", StringComparison.Ordinal)).Select(r => r.Path.Contains("org/mlx", StringComparison.Ordinal) ? "org/mlx" : "org/other"));
    }

    [Theory]
    [InlineData("org/absent", "", "hub_not_found", "HF_TOKEN")]
    [InlineData("org/private", "", "hub_not_found", "it is private")]
    [InlineData("org/private", "hf_wrongwrongwrongwrong", "hub_not_found", "it is private")]
    [InlineData("org/gated", "", "hub_gated", "/org/gated, and start the gateway with HF_TOKEN")]
    [InlineData("org/pytorch", "", "hub_no_model", "only .bin")]
    [InlineData("org/mirrored", "", "hub_not_found", "does not have 'org/mirrored' (HTTP 404)")]
    [InlineData("org/huge", "", "insufficient_disk", "838190.32 GB are still to come, and the disk of ")]
    [InlineData("org/mlx:Q4_K_M", "", "hub_no_quantisation", "Leave out ':Q4_K_M'")]
    public async Task Download_CannotBe_SaysWhyAndWhatToDo(string id, string token, string code, string words)
    {
        await using var bench = await DownloadBench.StartAsync(client, token.Length > 0 ? new() { ["HF_TOKEN"] = token } : null);
        bench.Hub.Add("org/mlx", Mlx());
        bench.Hub.Add("org/private", Mlx()).IsPrivate = true;
        var gated = bench.Hub.Add("org/gated", Mlx());
        (gated.IsGated, gated.Token) = (true, "hf_right");
        bench.Hub.Plain.Add("org/mirrored");
        bench.Hub.Add("org/pytorch", new HubFile("config.json", "{}"), Large("pytorch_model.bin"));
        bench.Hub.Add("org/huge", new HubFile("config.json", "{}"), Large("model.safetensors") with { Size = 900_000_000_000_000 });

        var status = await bench.FetchAsync(id);

        Assert.Equal((DownloadState.Failed, code), (status.State, status.Code));
        Assert.Contains(words, status.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("hf_wrong", status.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(bench.Hub.Requests, r => r.Path.EndsWith("pytorch_model.bin", StringComparison.Ordinal) || (id == "org/huge" && r.Path.Contains("/resolve/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Download_PrivateModelWithTheTokenOfTheEnvironment_Comes()
    {
        const string Token = "hf_rightrightrightright";
        await using var bench = await DownloadBench.StartAsync(client, new() { ["HF_TOKEN"] = Token });
        var repository = bench.Hub.Add("org/private", Mlx(Noise(1000)));
        (repository.IsPrivate, repository.Token) = (true, Token);

        Assert.Equal(DownloadState.Succeeded, (await bench.FetchAsync("org/private")).State);
        Assert.All(bench.Hub.Requests, r => Assert.Equal($"Bearer {Token}", r.Authorization));
    }

    [Theory]
    [InlineData("org/gguf", "a-Q4_K_M.gguf", "Q4_K_M of F16, Q4_K_M, Q8_0; a colon and another behind the id chooses that one")]
    [InlineData("org/gguf:Q8_0", "a-Q8_0-00001-of-00002.gguf a-Q8_0-00002-of-00002.gguf", "Q8_0 of F16, Q4_K_M, Q8_0")]
    [InlineData("hf.co/org/gguf:Q8_0", "a-Q8_0-00001-of-00002.gguf a-Q8_0-00002-of-00002.gguf", "Q8_0 of F16, Q4_K_M, Q8_0")]
    [InlineData("https://huggingface.co/org/gguf", "a-Q4_K_M.gguf", "Q4_K_M of F16, Q4_K_M, Q8_0; a colon and another behind the id chooses that one")]
    [InlineData("org/gguf:q8_0", "a-Q8_0-00001-of-00002.gguf a-Q8_0-00002-of-00002.gguf", "Q8_0 of F16, Q4_K_M, Q8_0")]
    [InlineData("org/gguf/a-f16", "a-f16.gguf", "F16 of F16, Q4_K_M, Q8_0")]
    public async Task Download_SeveralGgufs_ComesOneWithItsProjectorAndSaysWhich(string id, string files, string choice)
    {
        await using var bench = await DownloadBench.StartAsync(client);
        bench.Hub.Add("org/gguf", Large("a-Q8_0-00002-of-00002.gguf", Noise(20)), Large("a-Q8_0-00001-of-00002.gguf", Noise(10)), Large("a-Q4_K_M.gguf", Noise(30)), Large("a-f16.gguf", Noise(40)), Large("mmproj-F16.gguf", Noise(50)), Large("mmproj-F32.gguf", Noise(60)), new("config.json", "{}"));

        var status = await bench.FetchAsync(id);

        Assert.Equal((DownloadState.Succeeded, choice), (status.State, status.Choice));
        Assert.Equal([.. files.Split(' '), "mmproj-F16.gguf"], Directory.GetFiles(bench.In("org/gguf", "snapshots/0123456789abcdef0123456789abcdef01234567")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal("org/gguf", status.Model);
        Assert.NotNull(bench.Catalog.Current.Resolve("org/gguf")!.Projector);
    }

    [Fact]
    public async Task Download_ModelInMlcForm_ComesWithWhatItsEngineCompiles()
    {
        await using var bench = await DownloadBench.StartAsync(client, kinds: ["mlc_llm"]);
        bench.Hub.Add(
            "mlc-ai/m", new("README.md", "# words"), new("mlc-chat-config.json", MlcFactsTests.Qwen), new("tensor-cache.json", MlcFactsTests.Shards), new("tokenizer.json", "{}"), new("merges.txt", "a b"), Large("params_shard_1.bin", Noise(30)),
            Large("params_shard_0.bin", Noise(60)), Large("logs/old.bin", Noise(5)));

        var status = await bench.FetchAsync("mlc-ai/m");

        Assert.Equal((DownloadState.Succeeded, "mlc-ai/m"), (status.State, status.Model));
        Assert.Equal(
            ["merges.txt", "mlc-chat-config.json", "params_shard_0.bin", "params_shard_1.bin", "tensor-cache.json", "tokenizer.json"],
            Directory.GetFiles(bench.In("mlc-ai/m", "snapshots/0123456789abcdef0123456789abcdef01234567")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.Equal(("mlc_llm", null), (bench.Catalog.Current.Resolve("mlc-ai/m")!.Runner, bench.Catalog.Current.Resolve("mlc-ai/m")!.Missing));
    }

    [Fact]
    public async Task Download_TwoOfSeveralGgufs_AreBothThereByTheNamesTheyWereFetchedBy()
    {
        await using var bench = await DownloadBench.StartAsync(client);
        bench.Hub.Add("org/gguf", Large("a-Q8_0.gguf", Noise(10)), Large("a-Q4_K_M.gguf", Noise(30)));

        // Each is fetched although another of the repository is here.
        foreach (var (id, model) in new[] { ("org/gguf:Q8_0", "org/gguf"), ("org/gguf:Q4_K_M", "org/gguf/a-Q4_K_M") })
        {
            Assert.Equal((DownloadState.Succeeded, model), ((await bench.FetchAsync(id)) is var status ? status.State : default, status.Model));
        }

        Assert.Equal(["a-Q8_0", "a-Q4_K_M", "a-Q4_K_M"], new[] { "org/gguf:Q8_0", "org/gguf:Q4_K_M", "org/gguf" }.Select(name => bench.Catalog.Current.Resolve(name)!.Id.Split('/')[2]));

        // ... and what is here already does not stand for what was asked for.
        Assert.Equal(DownloadState.Succeeded, (await bench.FetchAsync("org/gguf:Q8_0")).State);
        Assert.Equal(2, bench.Hub.Requests.Count(r => r.Path.Contains("/resolve/", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Download_ThereIsNoSuchQuantisation_SaysWhichThereAre()
    {
        await using var bench = await DownloadBench.StartAsync(client);
        bench.Hub.Add("org/gguf", Large("a-Q8_0.gguf", Noise(10)), Large("a-UD-Q2_K.gguf", Noise(30)));

        Assert.Contains("no file of 'Q4_K_M'. There are: Q8_0, UD-Q2_K.", (await bench.FetchAsync("org/gguf:Q4_K_M")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Download_ThereIsNoPython_SaysHowToInstallIt()
    {
        await using var house = new Household();
        await using var bench = await DownloadBench.WithoutPythonAsync(house);

        var status = await bench.FetchAsync("org/mlx");

        Assert.Equal((DownloadState.Failed, "hub_client_missing"), (status.State, status.Code));
        Assert.Matches("/nowhere/python3: does not exist.*Install it with: .*huggingface_hub$", status.Error);
    }

    [Fact]
    public async Task LastOf_ConfiguredModel_IsTheDownloadOfWhereItComesFrom()
    {
        await using var house = new Household();
        await using var bench = await DownloadBench.WithoutPythonAsync(house);
        var mine = new Dictionary<string, ModelOptions> { ["mine"] = new() { Source = "org/gguf:Q8_0" } };
        Assert.True(bench.Catalog.TryAdopt(bench.Settings with { Models = mine }, new SettingsErrors()));
        Assert.Null(bench.Downloads.LastOf("mine"));

        var failed = await bench.FetchAsync("mine");

        Assert.Equal(("org/gguf:Q8_0", "hub_client_missing"), (failed.Id, failed.Code));
        Assert.Equal((failed, failed), (bench.Downloads.LastOf("mine"), bench.Downloads.LastOf("org/gguf:Q8_0")));
        Assert.Null(bench.Downloads.LastOf("org/gguf"));
    }

    [Theory]
    [InlineData("model")]
    [InlineData("org/../name")]
    [InlineData("org/name;rm")]
    [InlineData("a/b/c/d")]
    [InlineData("org/name.gguf")]
    [InlineData("")]
    public async Task Start_NoNameOfAModel_IsRefusedAtOnce(string id)
    {
        await using var house = new Household();
        await using var bench = await DownloadBench.WithoutPythonAsync(house);

        Assert.Equal((DownloadState.Failed, "invalid_request"), (bench.Downloads.Start(id).State, bench.Downloads.Start(id).Code));
        Assert.Empty(bench.Downloads.Current);
    }

    [Fact]
    public async Task Stop_DownloadsAreUnderWay_EndsThemAll()
    {
        await using var bench = await DownloadBench.StartAsync(client);
        bench.Hub.Add("org/mlx", Mlx());
        bench.Hub.Fault = new HubFault { After = 100_000, Holds = true };
        bench.Downloads.Start("org/mlx");
        bench.Downloads.Start("org/other");
        await bench.UntilAsync("org/mlx", s => s.File == "model.safetensors");

        await bench.Downloads.StopAsync(TestContext.Current.CancellationToken);

        // Not as if somebody had called them off: the next gateway goes on with what is fetched for a port.
        Assert.All(bench.Downloads.Current, s => Assert.Equal((DownloadState.Failed, "shutting_down"), (s.State, s.Code)));
        Assert.Equal("shutting_down", bench.Downloads.Start("org/third").Code);
    }

    private static byte[] Noise(int length)
    {
        var bytes = new byte[length];
        new Random(length).NextBytes(bytes);
        return bytes;
    }

    private static string CommandLine(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/cmdline");
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
