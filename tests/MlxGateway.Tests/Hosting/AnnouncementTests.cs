using MlxGateway.Hosting;
using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Models.Facts;
using MlxGateway.Supervision.Runners.Engines;
using Xunit;

namespace MlxGateway.Tests.Hosting;

public sealed class AnnouncementTests
{
    private const string Address = "http://127.0.0.1:1234";

    [Fact]
    public void Write_EngineAndModels_SaysWhatThereIsAndWhatToDo() => Same(
        """
        MlxGateway serves on http://127.0.0.1:1234
          Engine   llama_server 6527 (/usr/bin/llama-server)
                   passed over /opt/llama-server: not executable
          Models   large, small
                   gone: files are missing; fetch it with: hf download gone
          Memory   21 GB of 24 GB
          Try it   curl http://127.0.0.1:1234/v1/chat/completions -d '{"model":"small","messages":[{"role":"user","content":"Hello"}]}'
        """,
        Announcement.Write(
            Address,
            [new EngineReport("llama_server", "/usr/bin/llama-server", "6527", ["/opt/llama-server: not executable"], "brew install llama.cpp")],
            [Model("gone") with { Missing = "fetch it with: hf download gone" }, Model("large") with { FileBytes = ByteSize.FromGigabytes(8) }, Model("small") with { Memory = ByteSize.FromGigabytes(2) }],
            "21 GB of 24 GB"));

    [Fact]
    public void Write_OnlyTheDemonstration_SaysThatItIsOne() => Same(
        """
        MlxGateway serves on http://127.0.0.1:1234
          Engine   llama_server was not found; install it with: brew install llama.cpp
          Models   demo-small
          Memory   21 GB of 24 GB
          No real model can be served yet, so these are a demonstration and not a language model: they say the same whatever they are asked.
          For real answers: brew install llama.cpp, then put a model into the Hugging Face cache or name its file in appsettings.json.
          Try it   curl http://127.0.0.1:1234/v1/chat/completions -d '{"model":"demo-small","messages":[{"role":"user","content":"Hello"}]}'
        """,
        Announcement.Write(
            Address,
            [new EngineReport("llama_server", null, null, [], "brew install llama.cpp")],
            [Model("demo-small") with { Origin = ModelOrigin.Demonstration }],
            "21 GB of 24 GB"));

    // Each of a machine's Pythons without the engine, and that for each engine, was a page of nothing new.
    [Fact]
    public void Write_PythonsThatLackTheEngine_AreNotNamedButABrokenOneIs() => Same(
        """
        MlxGateway serves on http://127.0.0.1:1234
          Engine   mlx_lm was not found; install it with: pip
                   passed over /venv/bin/python: import of mlx_lm failed: no libmlx
          Models   none
          Memory   unknown
        """,
        Announcement.Write(
            Address,
            [new EngineReport("mlx_lm", null, null, ["/usr/bin/python3: has no mlx_lm", "/venv/bin/python: import of mlx_lm failed: no libmlx", "/opt/python3: has no mlx_lm"], "pip")],
            [],
            "unknown"));

    [Fact]
    public void Write_ModelsOfOtherUses_AreNotAskedToChat()
    {
        var vectors = Model("vectors") with { Memory = ByteSize.FromGigabytes(1), Facts = new ModelFacts { Use = ModelUse.Embedding } };

        Assert.Contains("{\"model\":\"m\"", Announcement.Write(Address, [], [vectors, Model("m") with { Memory = ByteSize.FromGigabytes(2) }], "x"), StringComparison.Ordinal);
        Assert.DoesNotContain("Try it", Announcement.Write(Address, [], [vectors], "x"), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_KeysAreWanted_GivesAnExampleWithOne() => Assert.Contains(
        "Try it   curl http://127.0.0.1:1234/v1/chat/completions -H 'x-api-key: KEY' -d '{\"model\":\"m\"",
        Announcement.Write(Address, [], [Model("m")], "x", wantsKey: true),
        StringComparison.Ordinal);

    [Fact]
    public void Write_NoModelAtAll_GivesNoExampleThatCannotWork() => Same(
        """
        MlxGateway serves on http://127.0.0.1:1234
          Models   none
          Memory   unknown
        """,
        Announcement.Write(Address, [], [], "unknown"));

    [Fact]
    public void Write_ManyModels_NamesTheFirst() =>
        Assert.Contains("Models   m0, m1, m2, m3, m4, m5, m6, m7 and 4 more", Announcement.Write(Address, [], [.. Enumerable.Range(0, 12).Select(i => Model($"m{i}"))], "x"), StringComparison.Ordinal);

    private static void Same(string expected, string actual) => Assert.Equal(expected.ReplaceLineEndings(), actual);

    private static ModelSpec Model(string id) => new() { Id = id, Runner = "llama_server" };
}
