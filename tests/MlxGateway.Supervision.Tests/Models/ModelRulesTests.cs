using MlxGateway.Supervision.Models;
using MlxGateway.Supervision.Settings;
using Xunit;

namespace MlxGateway.Supervision.Tests.Models;

public sealed class ModelRulesTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("mlx_lm", "--port=8080", "--port")]
    [InlineData("mlx_lm", "--host 0.0.0.0", "--host")]
    [InlineData("mlx_lm", "--model org/other", "--model")]
    [InlineData("mlx_vlm", "--port 8080", "--port")]
    [InlineData("mlx_vlm", "--embedding-model org/other", "--embedding-model")]
    [InlineData("mlx_vlm", "--reload", "--reload")]
    [InlineData("mlc_llm", "--port 8080", "--port")]
    [InlineData("mlc_llm", "--api-key abc", "--api-key")]
    [InlineData("mlc_llm", "--model-lib x.so", null)]
    [InlineData("mlx_vlm", "--api-key abc", null)]
    [InlineData("mlx_lm", "--adapter-path /a --draft-model /d --prompt-cache-size 4", null)]
    public void Check_ArgumentThatIsTheGatewaysToSay_IsABreachThatNamesIt(string kind, string args, string? flag)
    {
        var breaches = Breaches(new() { ["a"] = new() { Source = "org/a", Runner = kind, Args = [.. args.Split(' ')] } });

        Assert.Equal(flag is null ? [] : [$"MlxGateway:Models:a:Args: \"{flag}\" cannot be given to {kind} here"], breaches.Select(breach => breach.Split(": the ")[0].Split(": it ")[0]));
    }

    [Fact]
    public void Check_EveryBreachAtOnce_NamesModelAndKey()
    {
        var breaches = Breaches(new()
        {
            ["a"] = new() { Source = "org/a", Aliases = ["b", "twin", "-x"] },
            ["b"] = new() { Source = "org/b", Aliases = ["twin", "b"] },
            ["c"] = new() { Runner = "command" },
            ["d"] = new() { Command = ["serve", "--port", "8080"] },
            ["e"] = new() { Source = "org/e", Runner = "mlx_lm", Command = ["serve", "{port}"] },
            ["f"] = new() { Runner = "llama_server" },
            ["g"] = new(),
            ["h"] = new() { Source = "org/h", Runner = "mlx_ml" },
            ["i"] = new() { Source = "org/i", Env = { ["1X"] = "", ["A=B"] = "", ["OK_1"] = "" }, ReadyPath = "health" },
            ["-j"] = new() { Source = "org/j" },
            [" k"] = new() { Source = "org/k" },
            ["l\u0007"] = new() { Source = "org/l" },
            ["m"] = new() { Source = "org/m", ExclusiveWith = ["n", "b", "org/elsewhere", "m"] },
            ["n"] = new() { Source = "org/n", Pinned = true, Group = "large" },
            ["o"] = new() { Source = "org/o", Group = "large" },
            ["p"] = new() { Source = "org/p", Group = "large" },
            ["q"] = new() { Source = "org/q", Defaults = { ["top_k"] = new("1"), ["stream"] = new("true") }, Forced = { ["top_k"] = new("2"), [" "] = new("3") }, Forbidden = ["system", "seed", "seed"] },
        });

        Assert.Equal(
            [
                "MlxGateway:Models:a:Aliases: \"b\" is the id of another model; give \"a\" another alias.",
                "MlxGateway:Models:a:Aliases: \"twin\" is an alias of the model \"b\" too; only one model can have it.",
                "MlxGateway:Models:a:Aliases: the alias \"-x\" starts with \"-\", so that programs take it for a switch.",
                "MlxGateway:Models:b:Aliases: \"twin\" is an alias of the model \"a\" too; only one model can have it.",
                "MlxGateway:Models:c:Command: is missing; write the program and its arguments, for example [ \"my-server\", \"--port\", \"{port}\" ].",
                "MlxGateway:Models:d:Command: names no {port}, so that the program cannot be told where to listen; write it in an argument, for example [ \"my-server\", \"--port\", \"{port}\" ].",
                "MlxGateway:Models:e:Command: belongs to a runner of the kind \"command\", and this model's is \"mlx_lm\"; leave it out, or write \"Runner\": \"command\".",
                "MlxGateway:Models:f:Source: is missing; a runner of the kind \"llama_server\" needs a repository id, a folder or a file.",
                "MlxGateway:Models:g:Source: is missing; write a repository id, a folder or a file, or a \"Command\" that serves the model.",
                "MlxGateway:Models:h:Runner: \"mlx_ml\" is not a kind of runner; did you mean \"mlx_lm\"? Known: command, demo, llama_server, mlc_llm, mlx_lm, mlx_vlm.",
                "MlxGateway:Models:i:Env:1X: is no name of an environment variable; write letters, digits and \"_\", with no digit in front.",
                "MlxGateway:Models:i:Env:A=B: is no name of an environment variable; write letters, digits and \"_\", with no digit in front.",
                "MlxGateway:Models:i:ReadyPath: \"health\" does not start with \"/\"; write a path, for example \"/health\".",
                "MlxGateway:Models:-j: the model id \"-j\" starts with \"-\", so that programs take it for a switch.",
                "MlxGateway:Models: k: the model id \" k\" has white space around it.",
                "MlxGateway:Models:l\u0007: the model id \"l␣\" has a control character in it.",
                "MlxGateway:Models:m:ExclusiveWith: \"m\" and \"n\" are never in memory together, and \"n\" is pinned and never leaves; leave out one or the other.",
                "MlxGateway:Models:n:Group: models of the group \"large\" are never in memory together, and \"n\" is pinned and never leaves, so \"o\" or \"p\" could not be loaded; leave out one or the other.",
                "MlxGateway:Models:q:Defaults: \"stream\" is not set here: the gateway reads it itself.",
                "MlxGateway:Models:q:Forced: names \"top_k\", and \"Defaults\" does too; a field can be in one of them only.",
                "MlxGateway:Models:q:Forced: names a field without a name; write the name of a field of a request, for example \"temperature\".",
                "MlxGateway:Models:q:Forbidden: \"system\" is not set here: the gateway reads it itself. For instructions write \"SystemPrompt\".",
                "MlxGateway:Models:q:Forbidden: names \"seed\" twice.",
            ],
            breaches);
    }

    [Fact]
    public void Check_NothingWrong_SaysNothing() => Assert.Empty(Breaches(new()
    {
        ["org/a"] = new() { Source = "org/a", Aliases = ["x", "x", "org/a"] },
        ["b"] = new() { Runner = "command", Command = ["serve", "--listen=127.0.0.1:{port}"] },
        ["c"] = new() { Runner = "demo" },
        ["d"] = new() { Runner = "demo", Group = "large", ExclusiveWith = ["b"] },
        ["e"] = new() { Runner = "demo", Group = "large" },
        ["f"] = new() { Runner = "demo", Pinned = true, Group = "alone" },
    }));

    [Theory]
    [InlineData(null, "x.GGUF", false, "llama_server")]
    [InlineData(null, "org/repo", false, "mlx_lm")]
    [InlineData(null, "org/repo", true, "command")]
    [InlineData("mlx_vlm", "x.gguf", false, "mlx_vlm")]
    [InlineData("mlx_lm", "org/sees", false, "mlx_lm")]
    [InlineData(null, null, false, null)]
    public void RunnerKind_LeftOutOrNot_FollowsFromWhatIsWritten(string? runner, string? source, bool command, string? expected) =>
        Assert.Equal(expected, RunnerKindRule.For(new ModelOptions { Runner = runner, Source = source, Command = command ? ["x", "{port}"] : [] }, new SourceResolver(_folder.Settings(), TemporaryFolder.Lenient), ["mlx_lm", "mlx_vlm"]));

    private IEnumerable<string> Breaches(Dictionary<string, ModelOptions> models)
    {
        var errors = new SettingsErrors();
        ModelRules.Check(_folder.Settings(models), errors, TemporaryFolder.Lenient);
        return errors.All.Select(error => error.ToString());
    }
}
