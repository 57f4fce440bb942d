#pragma warning disable CA1416 // There is no Windows here.
using MlxGateway.Commands;
using MlxGateway.Commands.Connecting;
using MlxGateway.Commands.Terminals;
using MlxGateway.Supervision.Tests;
using Xunit;

namespace MlxGateway.Tests.Commands;

/// <summary>The settings of clients: what is printed, what is written, and what is never lost.</summary>
public sealed class ConnectTests : IDisposable
{
    private static readonly Connection Plain = new("http://127.0.0.1:1234", Connection.AnyKey, "mlx-community/Qwen3-8B-4bit", 32768);
    private readonly DirectoryInfo _home = Directory.CreateTempSubdirectory("mlxgateway-home-");

    public static TheoryData<string> Names => [.. Clients.All.Select(c => c.Name)];

    public static TheoryData<string> Writable => [.. Clients.All.Where(c => c.Settings(Plain).Files.Count > 0).Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Settings_OfEveryClient_AreThoseThatWereLookedAt(string name)
    {
        Assert.SkipWhen(OperatingSystem.IsMacOS() && name == "llm", "Its folder is another one on macOS.");
        var (terminal, output, _) = new Place().Make();
        ConnectPage.Write(terminal, Clients.Find(name)!, Plain, files: true);

        Golden.Equal(Path.Combine("connect", name), output.ToString());
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Settings_OfAnOddModelAndKey_AreStillWellFormed(string name)
    {
        var odd = Plain with { Model = "it's \"odd\"\\ $HOME", Key = "sk-'$(x)" };
        var (terminal, output, _) = new Place().Make();
        ConnectPage.Write(terminal, Clients.Find(name)!, odd, files: true);

        Assert.DoesNotContain("export OPENAI_API_KEY=sk-'$(x)\n", output.ToString(), StringComparison.Ordinal); // a shell would run it
        foreach (var file in Clients.Find(name)!.Settings(odd).Files.Where(f => f.Format == SettingsFormat.Json))
        {
            Assert.Equal(name != "qwen-code", file.Text.Contains(@"it's \""odd\""\\ $HOME", StringComparison.Ordinal)); // that one has its model in a variable
            using var _ = System.Text.Json.JsonDocument.Parse(file.Text);
        }
    }

    [Theory]
    [InlineData("codex", 8000, "will be refused")]
    [InlineData("codex", 9000, "does not get far")]
    [InlineData("codex", 16384, null)]
    [InlineData("qwen-code", 16384, "will be refused")]
    [InlineData("claude-code", 16384, "does not get far")]
    [InlineData("continue", 4096, "does not get far")]
    [InlineData("open-webui", 4096, "will be refused")]
    [InlineData("llm", 512, null)]
    public void Context_ThatIsTooSmallForTheClient_IsWarnedOf(string name, int context, string? said)
    {
        var warnings = ModelChoice.Warnings(Clients.Find(name)!, Plain with { Context = context }, isAssumed: false);

        if (said is null)
        {
            Assert.Empty(warnings);
            return;
        }

        Assert.Contains(said, Assert.Single(warnings), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Writable))]
    public void Write_WhereNothingIs_MakesTheFileForThisUserAlone(string name)
    {
        var file = Clients.Find(name)!.Settings(Plain).Files[0];
        var path = Path.Combine(_home.FullName, "new", "folder", "file");

        Assert.Equal([$"Wrote {path}."], Writer().Write(file, path));

        Assert.Equal(file.Text + "\n", string.Concat(File.ReadLines(path).Where(l => !l.Contains("# MlxGateway: ", StringComparison.Ordinal)).Select(l => l + "\n")));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(path)!));
        Assert.Contains("nothing was changed", Assert.Single(Writer().Write(file, path)), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_IntoJson_KeepsWhatIsThereAndACopyOfIt()
    {
        const string Before = """{"theme":"dark","model":"other/x","provider":{"mine":{"apiKey":"secret"},"mlxgateway":{"name":"old","extra":1}}}""";
        var path = Existing("opencode.json", Before);

        var said = Writer().Write(Clients.Find("opencode")!.Settings(Plain).Files[0], path);

        var after = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(path))!;
        Assert.Equal("dark", (string?)after["theme"]);
        Assert.Equal("mlxgateway/mlx-community/Qwen3-8B-4bit", (string?)after["model"]);
        Assert.Equal("secret", (string?)after["provider"]!["mine"]!["apiKey"]);
        Assert.Equal(1, (int?)after["provider"]!["mlxgateway"]!["extra"]);
        Assert.Contains("  changed model", said);
        Assert.Contains("  changed provider.mlxgateway.name", said);
        Assert.DoesNotContain(said, line => line.Contains("secret", StringComparison.Ordinal));
        var copy = Assert.Single(Directory.GetFiles(_home.FullName, "*.bak"));
        Assert.Equal(Before, File.ReadAllText(copy));
        Assert.Contains(copy, said[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Write_IntoToml_ChangesItsOwnKeysAndTableOnly()
    {
        var path = Existing("config.toml", """
            # mine
            model = "gpt-5" # the good one
            approval_policy = "never"

            [model_providers.mlxgateway]
            name = "old"
            base_url = "http://old/v1"

            # of the next
            [projects."/home/anna/x"]
            trust_level = "trusted"
            model = "stays"
            """);

        Writer().Write(Clients.Find("codex")!.Settings(Plain).Files[0], path);

        Golden.Equal("merge-codex", File.ReadAllText(path));
    }

    [Fact]
    public void Write_IntoTomlOfAnotherHand_FindsWhatIsThereAndLosesNothing()
    {
        const string Before = """
            "model" = 'gpt-5'
            notify = [
              "x", # model = "no"
              ["[model_providers.mlxgateway]"]
            ]
            words = '''
            model = "neither"
            [tools]
            '''

            [ model_providers . "mlxgateway" ] # mine
            name = "MlxGateway"   # as it calls itself
            base_url = "http://old#1/v1" # the old one
            # and of my own
            query_params = { a = "b" }
            """;
        var codex = Clients.Find("codex")!.Settings(Plain).Files[0];

        var after = MergedText.Of(SettingsFormat.Toml, Before, codex.Text).Text;

        Assert.Equal(
            """
            model_provider = "mlxgateway"
            model_context_window = 32768
            web_search = "disabled"
            model = "mlx-community/Qwen3-8B-4bit"
            notify = [
              "x", # model = "no"
              ["[model_providers.mlxgateway]"]
            ]
            words = '''
            model = "neither"
            [tools]
            '''

            [ model_providers . "mlxgateway" ] # mine
            name = "MlxGateway"   # as it calls itself
            base_url = "http://127.0.0.1:1234/v1" # the old one
            # and of my own
            query_params = { a = "b" }
            wire_api = "responses"
            env_key = "MLXGATEWAY_API_KEY"
            stream_idle_timeout_ms = 1800000

            """,
            after);
        Assert.Empty(MergedText.Of(SettingsFormat.Toml, after, codex.Text).Changes);
    }

    [Fact]
    public void Write_IntoYamlAsItsOwnProgramMadeIt_FillsTheEmptyList()
    {
        var after = MergedText.Of(SettingsFormat.YamlModels, "name: Main Config\nmodels: [] # none\nrules: []\n", Clients.Find("continue")!.Settings(Plain).Files[0].Text).Text;

        Assert.StartsWith("name: Main Config\nmodels: # none\n  # MlxGateway: begin\n  - name: ", after, StringComparison.Ordinal);
        Assert.EndsWith("  # MlxGateway: end\nrules: []\n", after, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_IntoAYamlListThatIsIndented_KeepsToIt() =>
        Assert.Contains("\n  - model_id: \"mlx", MergedText.Of(SettingsFormat.YamlList, "  - model_id: other\n    model_name: other\n", Clients.Find("llm")!.Settings(Plain).Files[0].Text).Text, StringComparison.Ordinal);

    [Fact]
    public async Task Json_WarnsOfAContextThatIsNotKnown()
    {
        await using var gateway = await Stranger.AnswerAsync("""{"id":"b","capabilities":["chat"]}""", "application/json");

        Assert.Contains("was taken for 8,192 tokens", (await Cli.RunAsync("connect", "llm", "--model", "b", "--json", "--url", gateway.Address)).Out, StringComparison.Ordinal);
    }

    [Fact]
    public void Write_IntoYaml_PutsAnEntryAndFindsItAgain()
    {
        var path = Existing("config.yaml", """
            name: mine
            # the good ones
            models:
                - name: other
                  provider: anthropic
            rules: []
            """);

        Writer().Write(Clients.Find("continue")!.Settings(Plain).Files[0], path);
        Golden.Equal("merge-continue", File.ReadAllText(path));

        Writer().Write(Clients.Find("continue")!.Settings(Plain with { Model = "next" }).Files[0], path);
        Golden.Equal("merge-continue-again", File.ReadAllText(path));
    }

    [Fact]
    public void Write_IntoAYamlList_AppendsAnEntry()
    {
        var path = Existing("extra-openai-models.yaml", "- model_id: other\n  model_name: other\n");

        Writer().Write(Clients.Find("llm")!.Settings(Plain).Files[0], path);

        Golden.Equal("merge-llm", File.ReadAllText(path));
    }

    [Fact]
    public void Write_IntoAListOfModels_ReplacesTheOneOfTheSameName()
    {
        var zed = Clients.Find("zed")!;
        var path = Existing("settings.json", zed.Settings(Plain with { Model = "other" }).Files[0].Text);
        Writer().Write(zed.Settings(Plain).Files[0], path);
        Writer().Write(zed.Settings(Plain with { Context = 65536 }).Files[0], path);

        var models = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(path))!["language_models"]!["openai_compatible"]!["MlxGateway"]!["available_models"]!.AsArray();
        Assert.Equal([("other", 32768), ("mlx-community/Qwen3-8B-4bit", 65536)], models.Select(m => ((string)m!["name"]!, (int)m["max_tokens"]!)));
    }

    [Theory]
    [InlineData("zed", "// mine\n{\"theme\":\"dark\"}", "has comments")]
    [InlineData("zed", "{\"theme\":\"dark\",}", "trailing commas")]
    [InlineData("zed", "{\"theme\":", "is not valid JSON")]
    [InlineData("zed", "[1]", "not an object")]
    [InlineData("zed", "{\"agent\":1,\"agent\":2}", "has a key twice")]
    [InlineData("codex", "model = \"\"\"\nx\n\"\"\"\n", "several lines")]
    [InlineData("codex", "model_providers = { mlxgateway = { name = \"x\" } }\n", "in another form")]
    [InlineData("codex", "[model_providers]\nmlxgateway.name = \"x\"\n", "in another form")]
    [InlineData("continue", "models: [{name: x}]\n", "in one line")]
    [InlineData("llm", "a: b\n", "is no list")]
    public void Write_WhereSomethingWouldBeLost_LeavesTheFileAndSaysWhatBelongsIntoIt(string name, string before, string why)
    {
        var path = Existing("settings", before);
        var file = Clients.Find(name)!.Settings(Plain).Files[0];

        var failure = Assert.Throws<CommandFailure>(() => Writer().Write(file, path));

        Assert.Equal(1, failure.ExitCode);
        Assert.Contains(why, failure.Message, StringComparison.Ordinal);
        Assert.EndsWith(file.Text, failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(_home.FullName));
    }

    [Fact]
    public void Write_ThroughALink_KeepsTheLinkAndTheMode()
    {
        var real = Existing("dotfiles.json", "{}");
        File.SetUnixFileMode(real, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
        var link = Path.Combine(_home.FullName, "link.json");
        File.CreateSymbolicLink(link, real);

        Writer().Write(Clients.Find("claude-code")!.Settings(Plain).Files[0], link);

        Assert.Equal(real, new FileInfo(link).LinkTarget);
        Assert.Contains("ANTHROPIC_BASE_URL", File.ReadAllText(real), StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(real));
    }

    [Fact]
    public void Merging_RandomDocuments_LosesNoLineAndNoMemberAndDoesNothingTwice()
    {
        var random = new Random(20261129);
        for (var i = 0; i < 300; i++)
        {
            var json = Json(random, depth: 3);
            var wanted = Clients.Find("opencode")!.Settings(Plain).Files[0].Text;
            var merged = MergedText.Of(SettingsFormat.Json, json, wanted);
            Assert.Empty(MergedText.Of(SettingsFormat.Json, merged.Text, wanted).Changes);
            var (before, after) = (System.Text.Json.Nodes.JsonNode.Parse(json)!.AsObject(), System.Text.Json.Nodes.JsonNode.Parse(merged.Text)!.AsObject());
            Assert.All(before, member => Assert.True(System.Text.Json.Nodes.JsonNode.DeepEquals(member.Value, after[member.Key])));

            var toml = string.Join('\n', Enumerable.Range(0, random.Next(12)).Select(n => random.Next(4) switch { 0 => $"[t{n}.x]", 1 => "# words", 2 => "", _ => $"key{n} = {n}" }));
            var codex = Clients.Find("codex")!.Settings(Plain).Files[0].Text;
            var mixed = MergedText.Of(SettingsFormat.Toml, toml, codex);
            Assert.Empty(string.IsNullOrWhiteSpace(toml) ? [] : MergedText.Of(SettingsFormat.Toml, mixed.Text, codex).Changes);
            Assert.Equal(toml.Split('\n').Where(l => l.Length > 0), mixed.Text.Split('\n').Where(l => l.Length > 0 && toml.Split('\n').Contains(l)));
        }
    }

    [Theory]
    [InlineData("OpenCode", "opencode")]
    [InlineData("claude_code", "claude-code")]
    [InlineData("openai-python", "python")]
    [InlineData("OpenWebUI", "open-webui")]
    public void Names_MayBeWrittenInSeveralWays(string written, string name) => Assert.Equal(name, Clients.Find(written)?.Name);

    [Fact]
    public async Task Verb_WithoutAModel_TakesTheOneInMemory()
    {
        await using var gateway = await Stranger.AnswerAsync("""{"data":[{"id":"a","capabilities":["embedding"],"loaded":true},{"id":"b","capabilities":["chat"],"loaded":false,"context_window":4096},{"id":"c","capabilities":["chat"],"loaded":true,"context_window":8192}]}""", "application/json");

        var told = await Cli.RunAsync(["connect", "codex", "--write", "--url", gateway.Address], new Place { Variables = { ["HOME"] = _home.FullName } });

        Assert.Equal(0, told.ExitCode);
        var written = File.ReadAllText(Path.Combine(_home.FullName, ".codex", "config.toml"));
        Assert.Contains("model = \"c\"\n", written, StringComparison.Ordinal);
        Assert.Contains("model_context_window = 8192\n", written, StringComparison.Ordinal);
        Assert.Contains("export MLXGATEWAY_API_KEY=local", told.Out, StringComparison.Ordinal);
        Assert.Contains("8,200", told.Error, StringComparison.Ordinal);
    }

    /// <inheritdoc/>
    public void Dispose() => _home.Delete(recursive: true);

    private static string Json(Random random, int depth) => "{" + string.Join(',', Enumerable.Range(0, random.Next(5)).Select(i => $"\"k{i}\":{(depth > 0 && random.Next(2) == 0 ? Json(random, depth - 1) : random.Next(3) switch { 0 => "null", 1 => "[1,\"two\"]", _ => "\"text\"" })}")) + "}";

    private SettingsWriter Writer() => new(_home.FullName, TimeProvider.System);

    private string Existing(string name, string text)
    {
        var path = Path.Combine(_home.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }
}
